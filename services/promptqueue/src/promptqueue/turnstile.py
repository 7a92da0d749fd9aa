"""The turnstile: writers of several processes take turns.

SQLite's busy handler sleeps and tries again, so one busy writer starves the others for seconds. Two locks in a row
make a queue of it: whoever waits holds `turn`, and whoever commits holds `main` and cannot overtake the one waiting.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING

from promptqueue.errors import StorageUnavailable

if TYPE_CHECKING:
    from pathlib import Path


class Turnstile:
    """One descriptor pair of one thread. The kernel frees both locks when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Open the lock files in `folder`. Open after a fork: locks belong to the open file."""
        self._folder = folder
        self._open()

    def enter(self, timeout: float) -> None:
        """Wait for this writer's turn, at most `timeout` seconds. Raises StorageUnavailable when it did not come."""
        deadline = time.monotonic() + timeout
        try:
            _lock(self._turn, deadline)
            try:
                _lock(self._main, deadline)
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
        except StorageUnavailable:
            # Somebody still waits on these open files in our place: what they get and give back must not be ours.
            self.close()
            self._open()
            raise

    def leave(self) -> None:
        """Let the next one in."""
        fcntl.flock(self._main, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both files."""
        os.close(self._turn)
        os.close(self._main)

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._turn = os.open(self._folder / "turn.lock", flags, 0o660)
        self._main = os.open(self._folder / "main.lock", flags, 0o660)


def _lock(file: int, deadline: float) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _Wait(file).until(deadline)


class _Wait:
    """flock(2) knows no time-out, so a thread waits in its place, and hands the lock back if it comes too late."""

    def __init__(self, file: int) -> None:
        self._file = os.dup(file)
        self._mutex = threading.Lock()
        self._locked = threading.Event()
        self._abandoned = False
        threading.Thread(target=self._run, name="turnstile", daemon=True).start()

    def until(self, deadline: float) -> None:
        if self._locked.wait(max(0.0, deadline - time.monotonic())):
            return
        with self._mutex:
            self._abandoned = not self._locked.is_set()
        if self._abandoned:
            message = "The queue's database is locked by another process that does not let go."
            raise StorageUnavailable(message)

    def _run(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._mutex:
            if self._abandoned:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            else:
                self._locked.set()
        os.close(self._file)
