"""Usage: whoever has the database open holds a shared lock, so that restoring knows whether anybody has.

SQLite's own locks do not show it: under a rollback journal an idle connection holds none.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.errors import QueueInUse
from promptqueue.sqlite.host.turnstile import open_lock

LOCK = "use.lock"


class Usage:
    """A shared lock on the database. The kernel frees it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Take the lock in `folder`. Raises StorageUnavailable while the database is restored."""
        self._file = open_lock(folder / LOCK)
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            message = "The queue's database is being restored; everything goes on by itself when that is done."
            raise StorageUnavailable(message) from None

    def close(self) -> None:
        """Release the lock."""
        os.close(self._file)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep everybody from opening the database in `folder`. Raises QueueInUse when anybody has."""
    file = open_lock(folder / LOCK)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QueueInUse from None
        yield
    finally:
        os.close(file)
