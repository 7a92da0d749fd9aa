"""The writer: every commit of this process, with all who wait in one transaction.

A commit waits for the disk and for its turn among the processes, so whoever comes meanwhile shares the next one. A
leader takes those who wait, has a native thread commit what they ask for, and lets them go on. It is a greenlet where
requests are greenlets: then it first waits, briefly, until no other can go on, or it would commit for each alone.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from promptqueue import PromptQueue
from promptqueue.errors import Collided, CommitUnknown, PromptQueueError, StorageUnavailable
from promptqueue.logs import Once

from proxy.meter import Meter
from proxy.serving.concurrency import Concurrency
from proxy.storage.reader import let_go

Found = TypeVar("Found")

PATIENCE = 5.0  # seconds that a request waits to be started
BEGUN = 3  # times as long it waits for what has begun: a server whose standby is away commits once that is back
AGAIN = 1.0  # seconds after which what is owed is tried again
# What one transaction holds at most: a longer one would keep the worker's commits from their turn.
ENOUGH = 256  # requests
HEAVY = 4_000_000  # bytes of what they bring; one that brings more has a transaction to itself

log = logging.getLogger(__name__)


class _Request:
    """One verb, and whoever waits for it."""

    def __init__(self, verb: Callable[[PromptQueue], Any], weight: int) -> None:
        self.done = threading.Event()
        self.weight = weight
        self._verb = verb
        self._tickets = [True]
        self._found: Any = None
        self._error: Exception | None = None
        self._is_begun = self._is_undone = False

    def take(self) -> bool:
        """Decide what becomes of it, started or abandoned; whether the caller was the first to."""
        try:
            return self._tickets.pop()  # one step, which no thread can come between
        except IndexError:
            return False

    def run(self, queue: PromptQueue) -> None:
        """Run the verb, unless it was abandoned; once more if its transaction came to nothing."""
        if not self._is_begun and not self.take():
            return
        self._is_begun, self._error = True, None
        try:
            self._found = self._verb(queue)
        except Exception as error:  # noqa: BLE001 (it belongs to whoever asked, not to the others of the transaction)
            self._error = error

    def fail(self, error: Exception) -> None:
        """Let the whole transaction's error be the answer."""
        self.take()
        self._error = error
        self._is_undone = True

    @property
    def is_undone(self) -> bool:
        """Whether the storage did not take it, so that it may be run again."""
        return self._is_undone or isinstance(self._error, StorageUnavailable)

    def result(self) -> Any:
        """Give what the verb returned, or raise what it raised."""
        if self._error:
            raise self._error
        return self._found


class Writer:
    """Runs verbs that commit. Opens the queue by itself, and again when it got lost."""

    def __init__(
        self,
        open_queue: Callable[[], PromptQueue],
        concurrency: Concurrency,
        meter: Meter,
        *,
        patience: float = PATIENCE,
    ) -> None:
        """Start the leader, which opens the queue at once and says in the log if it cannot."""
        self._open_queue = open_queue
        self._idle = concurrency.idle
        self._apart = concurrency.one_at_a_time()
        self._meter = meter
        self._patience = patience
        self._line: deque[_Request] = deque()
        self._owed: deque[Callable[[PromptQueue], object]] = deque()
        self._came = threading.Event()
        self._is_closing = False
        self._queue: PromptQueue | None = None
        self._trouble = Once(log)
        self._leader = threading.Thread(target=self._lead, name="writer", daemon=True)
        self._leader.start()

    def do(self, verb: Callable[[PromptQueue], Found], *, weight: int = 0) -> Found:
        """Run `verb` in the next transaction that has room; what it returned or raised, once that is on the disk.

        `weight` is about how many bytes it writes. Raises StorageUnavailable, and has then changed nothing, when the
        transaction fails or does not begin in time; CommitUnknown, and then nobody knows, when it does not end in time.
        """
        request = _Request(verb, weight)
        self._line.append(request)
        self._came.set()
        if not request.done.wait(self._patience):
            if request.take():  # nobody has started it, so nobody ever will
                message = f"The queue's database gave no turn within {self._patience:g} seconds."
                self._trouble.warn("storage unavailable reason=%r", message)
                raise StorageUnavailable(message)
            if not request.done.wait(BEGUN * self._patience):  # nor can it be stopped: it may be on one disk already
                message = f"A commit is not over after {BEGUN * self._patience:g} seconds; nobody knows if it will be."
                self._trouble.warn("storage unavailable reason=%r", message)
                raise CommitUnknown
        found: Found = request.result()
        return found

    def later(self, verb: Callable[[PromptQueue], object]) -> None:
        """Run `verb` in a transaction that somebody else asks for, or at the end; nobody hears what became of it."""
        self._line.append(_Request(verb, 0))
        if self._is_closing:
            self._came.set()

    def owe(self, verb: Callable[[PromptQueue], object]) -> None:
        """Run `verb` as soon as the storage takes it, however often that is tried; nobody hears what came of it."""
        self._owed.append(verb)
        self._came.set()

    def close(self) -> None:
        """Finish what was asked for, and let go of the queue."""
        self._is_closing = True
        self._came.set()
        self._leader.join(self._patience)

    def _lead(self) -> None:
        self._apart(lambda: self._commit([]))  # opens the queue, so that the first client does not wait for it
        while self._line or not self._is_closing:
            self._came.wait(AGAIN if self._owed else None)
            self._came.clear()
            self._serve_owed()
            while self._line:
                self._idle()
                self._serve(self._next_batch())
        self._apart(self._let_go)

    def _serve(self, batch: list[_Request]) -> None:
        began = time.monotonic()
        self._apart(lambda: self._commit(batch))
        self._meter.committed(len(batch), time.monotonic() - began)
        for request in batch:
            request.done.set()

    def _serve_owed(self) -> None:
        """Try what is owed; what the storage does not take stays owed."""
        owed = [self._owed.popleft() for _ in range(min(len(self._owed), ENOUGH))]
        requests = [_Request(verb, 0) for verb in owed]
        if requests:
            self._serve(requests)
        self._owed.extend(verb for verb, request in zip(owed, requests, strict=True) if request.is_undone)

    def _next_batch(self) -> list[_Request]:
        """Take those who wait, as many as fit."""
        batch: list[_Request] = []
        weight = 0
        while self._line and len(batch) < ENOUGH:
            weight += self._line[0].weight
            if batch and weight > HEAVY:
                break
            batch.append(self._line.popleft())
        return batch

    def _commit(self, batch: list[_Request]) -> None:
        try:
            if self._queue is None:
                self._queue = self._open_queue()
            try:
                _run(batch, self._queue)
            except Collided:
                _run(batch, self._queue)
        except Exception as error:  # noqa: BLE001 (whatever a transaction fails with, those who wait for it must hear of it)
            self._fail(batch, error)
        else:
            self._trouble.well("storage is back")

    def _fail(self, batch: list[_Request], error: Exception) -> None:
        for request in batch:
            request.fail(error)
        is_known = isinstance(error, PromptQueueError)
        level = logging.WARNING if is_known else logging.ERROR
        self._trouble.complain(level, "storage unavailable reason=%r", str(error), exc_info=not is_known)
        if self._queue and not _answers(self._queue):
            self._let_go()

    def _let_go(self) -> None:
        if self._queue:
            let_go(self._queue)
            self._queue = None


def _run(batch: list[_Request], queue: PromptQueue) -> None:
    if batch:
        with queue.transaction():
            for request in batch:
                request.run(queue)


def _answers(queue: PromptQueue) -> bool:
    """Tell whether the queue can still be read: it may only have been locked."""
    try:
        queue.ping()
    except Exception:  # noqa: BLE001 (whatever it fails with, it does not answer)
        return False
    return True
