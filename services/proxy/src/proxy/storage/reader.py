"""The reader: every read of this process, where it stops nobody.

With a write-ahead log a read waits for nothing and takes microseconds, so it runs where it is asked for. With a
rollback journal it can meet a lock, so under greenlets it runs on a thread of gevent's pool.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from promptqueue import PromptQueue, Storage
from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once

from proxy.serving.concurrency import Concurrency

Found = TypeVar("Found")

MOST = 7  # reads at the same time, each with an instance; a server's connections are counted
BRIEF = 1  # besides: what reads neither prompts nor the line waits for nobody who does
PATIENCE = 10.0  # seconds that a read waits until others have ended
OPEN_AGAIN_AFTER = 1.0  # seconds; an attempt may wait for a lock, and every reader would make one

log = logging.getLogger(__name__)


class Reader:
    """Runs reads, each with an instance of the queue that nobody else uses meanwhile."""

    def __init__(self, storage: Storage, concurrency: Concurrency) -> None:
        """Open nothing yet: instances are opened as they are needed, and again when they got lost."""
        self._storage = storage
        self._concurrency = concurrency
        self._idle: deque[PromptQueue] = deque()
        self._places = threading.BoundedSemaphore(MOST)
        self._brief = threading.BoundedSemaphore(BRIEF)
        self._failed: StorageUnavailable | None = None
        self._failed_at = 0.0
        self._trouble = Once(log)

    def read(self, look: Callable[[PromptQueue], Found], *, is_brief: bool = False) -> Found:
        """Run `look` with a queue; what it returned or raised. Raises StorageUnavailable.

        One that `is_brief` is over at once, unless the storage is away, and does not wait for others that are not.
        """
        try:
            with self._one_of(self._brief if is_brief else self._places):
                found = self._where_it_stops_nobody(look)
        except StorageUnavailable as unavailable:
            self._trouble.warn("storage unavailable reason=%r", str(unavailable))
            raise
        self._trouble.well("storage is back")
        return found

    def close(self) -> None:
        """Let go of the instances that nobody uses."""
        while self._idle:
            let_go(self._idle.pop())

    @contextmanager
    def _one_of(self, places: threading.BoundedSemaphore) -> Iterator[None]:
        if not places.acquire(timeout=PATIENCE):
            message = f"Other reads have taken longer than {PATIENCE:g} seconds."
            raise StorageUnavailable(message)
        try:
            yield
        finally:
            places.release()

    def _where_it_stops_nobody(self, look: Callable[[PromptQueue], Found]) -> Found:
        if self._storage.reads_wait:
            return self._concurrency.apart(lambda: self._read(look, self._open))
        return self._read(look, lambda: self._concurrency.apart(self._open))

    def _read(self, look: Callable[[PromptQueue], Found], open_one: Callable[[], PromptQueue]) -> Found:
        # Taking from a deque and putting back are each one step that no thread can come between.
        try:
            queue = self._idle.pop()
        except IndexError:
            queue = open_one()
        try:
            found = look(queue)
        except StorageUnavailable:
            let_go(queue)
            raise
        except BaseException:
            self._idle.append(queue)
            raise
        self._idle.append(queue)
        return found

    def _open(self) -> PromptQueue:
        if self._failed and time.monotonic() < self._failed_at + OPEN_AGAIN_AFTER:
            raise StorageUnavailable(str(self._failed))
        try:
            queue = self._storage.open()
        except StorageUnavailable as error:
            self._failed, self._failed_at = error, time.monotonic()
            raise
        self._failed = None
        return queue


def let_go(queue: PromptQueue) -> None:
    """Close an instance, though its storage may be gone."""
    try:
        queue.close()
    except Exception:  # one that cannot even be closed must not keep a new one from being opened
        log.warning("storage not closed", exc_info=True)
