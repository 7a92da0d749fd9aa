"""A loop: what a thread of the worker does again and again, until the worker ends."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TypeVar

from promptqueue import PromptQueue
from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once
from promptqueue.storage import Storage

from worker.drain import Drain

STORAGE_WAIT = 0.5  # seconds until a storage that is away is tried again
HANGS_AFTER = 15.0  # seconds without a turn; every loop turns about once a second, and waits five for a lock

Given = TypeVar("Given")


class Ended(Exception):
    """The worker is to end."""


class Loop(ABC):
    """One thread with a queue of its own. What it cannot do while the storage is away it does in a later turn."""

    _queue: PromptQueue

    def __init__(self, name: str, *, storage: Storage, drain: Drain) -> None:
        """Do nothing yet."""
        self.name = name
        self.turned_at: float | None = time.monotonic()
        """When it last turned, by the monotonic clock; None while it waits for something that may take its time."""
        self._storage = storage
        self._drain = drain
        self._log = logging.getLogger(f"worker.{name}")
        self._storage_trouble = Once(self._log)
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def hangs(self) -> bool:
        """Whether it should have turned since, and has not."""
        turned_at = self.turned_at
        return turned_at is not None and time.monotonic() - turned_at >= HANGS_AFTER

    def wake(self) -> None:  # noqa: B027 (a loop that waits for the drain alone has nothing else to end)
        """End its wait: something has changed, or the worker is to end."""

    def run(self) -> None:
        """Open a queue, and turn until the worker ends."""
        with suppress(Ended), closing(self._opened(self._storage.open)) as self._queue:
            self._work()

    def _work(self) -> None:
        while not self._drain.has_begun:
            self._mark_turn()
            try:
                self._turn()
            except StorageUnavailable as unavailable:
                self._storage_is_away(unavailable)

    @abstractmethod
    def _turn(self) -> None:
        """Do what is due, and wait. May raise StorageUnavailable; says when the storage is well again."""

    def _opened(self, opening: Callable[[], Given]) -> Given:
        """Open what the storage gives, however long it is away. Raises Ended: the worker is to end first."""
        while not self._drain.has_begun:
            self._mark_turn()
            try:
                given = opening()
            except StorageUnavailable as unavailable:
                self._storage_is_away(unavailable)
            else:
                self._storage_is_well()
                return given
        raise Ended

    def _recover(self) -> None:
        moved = self._queue.recover()
        if moved.total:
            numbers = (moved.requeued, moved.failed, moved.expired, moved.cancelled, moved.erased)
            self._log.info("prompts recovered requeued=%d failed=%d expired=%d cancelled=%d erased=%d", *numbers)

    def _mark_turn(self) -> None:
        self.turned_at = time.monotonic()

    def _storage_is_away(self, unavailable: StorageUnavailable) -> None:
        self._storage_trouble.warn("storage unavailable reason=%r", str(unavailable))
        self._pause(STORAGE_WAIT)

    def _storage_is_well(self) -> None:
        self._storage_trouble.well("storage available again")

    def _pause(self, seconds: float) -> None:
        self._drain.pause(seconds)
