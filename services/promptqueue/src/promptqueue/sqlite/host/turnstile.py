"""The turnstile: writers of several processes take turns.

SQLite's busy handler sleeps and tries again, so one busy writer starves the others for seconds. Two locks in a row
make a queue of it: whoever waits holds `turn`, and whoever commits holds `main` and cannot overtake the one waiting.
"""

import _thread
import fcntl
import os
import time
from pathlib import Path

from promptqueue.errors import StorageUnavailable
from promptqueue.machine.threads import NativeThreads


class Turnstile:
    """One descriptor pair of one thread. The kernel frees both locks when the process dies."""

    def __init__(self, folder: Path, threads: NativeThreads = _thread) -> None:
        """Open the lock files in `folder`. Open after a fork: locks belong to the open file."""
        self._folder = folder
        self._threads = threads
        self._open()

    def enter(self, timeout: float) -> None:
        """Wait for this writer's turn, at most `timeout` seconds. Raises StorageUnavailable when it did not come."""
        deadline = time.monotonic() + timeout
        try:
            self._lock(self._turn, deadline)
            try:
                self._lock(self._main, deadline)
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
        except BaseException:
            # A thread may still wait on these open files. If its lock comes after all, closing its descriptor must free
            # it: so that descriptor has to be the last one.
            self.close()
            self._open()
            raise

    def leave(self) -> None:
        """Let the next writer in."""
        fcntl.flock(self._main, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._turn)
        os.close(self._main)

    def _open(self) -> None:
        turn = open_lock(self._folder / "turn.lock")
        try:
            self._main = open_lock(self._folder / "main.lock")
        except BaseException:
            os.close(turn)
            raise
        self._turn = turn

    def _lock(self, file: int, deadline: float) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait(file, deadline)

    def _wait(self, file: int, deadline: float) -> None:
        """Wait for a lock. flock(2) has no time limit, so a thread waits instead, on a descriptor of its own."""
        copy = os.dup(file)
        came = self._threads.allocate_lock()
        came.acquire()

        def wait() -> None:
            try:
                fcntl.flock(copy, fcntl.LOCK_EX)
                came.release()
            finally:
                os.close(copy)

        self._threads.start_new_thread(wait, ())
        if not came.acquire(timeout=max(0.0, deadline - time.monotonic())):
            message = "The queue's database is locked by another process that does not let go."
            raise StorageUnavailable(message)


def open_lock(path: Path) -> int:
    """Open a lock file that everybody can open who uses its folder, even if root makes it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file
