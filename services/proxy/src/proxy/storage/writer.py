"""The writer: every commit of this process, on one native thread, with all who wait in one transaction.

A commit waits for the disk and for its turn among the processes. One thread that takes everybody along waits once for
all of them, and a greenlet never stops the others meanwhile.
"""

from __future__ import annotations

import logging
import queue as queues
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from promptqueue.errors import PromptQueueError, StorageUnavailable

from proxy.storage import let_go

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptqueue import PromptQueue

    from proxy.serving.concurrency import Greenlets, Threads

Found = TypeVar("Found")

PATIENCE = 5.0  # seconds that a request waits to be started
# What one transaction holds at most: a longer one would keep the worker's commits from their turn.
ENOUGH = 256  # requests
HEAVY = 4_000_000  # bytes of what they bring; one that brings more has a transaction to itself

log = logging.getLogger(__name__)


class Writer:
    """Runs verbs that commit. Opens the queue by itself, and again when it got lost."""

    def __init__(
        self, open_queue: Callable[[], PromptQueue], concurrency: Threads | Greenlets, *, patience: float = PATIENCE
    ) -> None:
        """Start the thread, which opens the queue at once and says in the log if it cannot."""
        self._open_queue = open_queue
        self._concurrency = concurrency
        self._patience = patience
        self._inbox: Any = concurrency.inbox()
        self._requests = concurrency.gathering(lambda requests: concurrency.hand(self._inbox, requests))
        self._line: deque[_Request] = deque()
        self._queue: PromptQueue | None = None
        self._is_lost = False
        self._ended = concurrency.bell()
        concurrency.start(self._run)

    def do(self, verb: Callable[[PromptQueue], Found], *, weight: int = 0) -> Found:
        """Run `verb` in the next transaction that has room; what it returned or raised, once that is on the disk.

        `weight` is about how many bytes it writes. Raises StorageUnavailable, and has then changed nothing, when the
        transaction fails or does not begin in time.
        """
        request = _Request(verb, self._concurrency, weight)
        self._requests.put(request)
        if not request.done.wait(self._patience):
            if request.take():  # nobody has started it, so nobody ever will
                message = f"The queue's database gave no turn within {self._patience:g} seconds."
                raise StorageUnavailable(message)
            request.done.wait()
        found: Found = request.result()
        return found

    def close(self) -> None:
        """Let the thread finish what it was given, and let go of the queue."""
        self._requests.give()
        self._inbox.put(None)
        self._ended.wait(self._patience)

    def _run(self) -> None:
        self._commit([])  # opens the queue, so that the first client does not wait for it
        while batch := self._next_batch():
            self._commit(batch)
            self._concurrency.ring([request.done for request in batch])
        if self._queue:
            let_go(self._queue)
        self._concurrency.ring([self._ended])

    def _next_batch(self) -> list[_Request]:
        """Wait for requests, and take those that came, as many as fit; nothing when the end was asked for."""
        batch: list[_Request] = []
        weight = 0
        while len(batch) < ENOUGH and (self._line or self._hear(patiently=not batch)):
            weight += self._line[0].weight
            if batch and weight > HEAVY:
                break
            batch.append(self._line.popleft())
        return batch

    def _hear(self, *, patiently: bool) -> bool:
        """Let those who came stand in line, and wait for some if `patiently`; whether there are any."""
        try:
            more = self._inbox.get() if patiently else self._inbox.get_nowait()
        except queues.Empty:
            return False
        if more is None:  # the end, which comes after all others
            self._inbox.put(None)
            return False
        self._line += more
        return True

    def _commit(self, batch: list[_Request]) -> None:
        try:
            if self._queue is None:
                self._queue = self._open_queue()
            if batch:
                with self._queue.transaction():
                    for request in batch:
                        request.run(self._queue)
                    self._concurrency.go_on()
        except Exception as error:  # noqa: BLE001 (whatever a transaction fails with, those who wait for it must hear of it)
            self._fail(batch, error)
        else:
            if self._is_lost:
                log.info("storage is back")
            self._is_lost = False

    def _fail(self, batch: list[_Request], error: Exception) -> None:
        self._concurrency.go_on()
        for request in batch:
            request.fail(error)
        if not self._is_lost:
            self._is_lost = True
            log.error("storage lost reason=%s", error, exc_info=not isinstance(error, PromptQueueError))
        if self._queue and not _answers(self._queue):
            let_go(self._queue)
            self._queue = None


class _Request:
    """One verb, and whoever waits for it."""

    def __init__(self, verb: Callable[[PromptQueue], Any], concurrency: Threads | Greenlets, weight: int) -> None:
        self.done = concurrency.bell()
        self.weight = weight
        self._verb = verb
        self._ticket = concurrency.ticket()
        self._found: Any = None
        self._error: Exception | None = None

    def take(self) -> bool:
        """Decide what becomes of it, started or abandoned; whether the caller was the first to."""
        return bool(self._ticket.acquire(blocking=False))

    def run(self, queue: PromptQueue) -> None:
        """Run the verb, unless it was abandoned."""
        if not self.take():
            return
        try:
            self._found = self._verb(queue)
        except Exception as error:  # noqa: BLE001 (it belongs to whoever asked, not to the others of the transaction)
            self._error = error

    def fail(self, error: Exception) -> None:
        """Let the whole transaction's error be the answer."""
        self.take()
        self._error = error

    def result(self) -> Any:
        """Give what the verb returned, or raise what it raised."""
        if self._error:
            raise self._error
        return self._found


def _answers(queue: PromptQueue) -> bool:
    """Tell whether the queue can still be read: it may only have been locked."""
    try:
        queue.ping()
    except Exception:  # noqa: BLE001 (whatever it fails with, it does not answer)
        return False
    return True
