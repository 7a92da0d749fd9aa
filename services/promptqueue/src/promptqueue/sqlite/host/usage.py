"""Usage: whoever has the database open holds a shared lock, so that restoring knows whether anybody has.

SQLite's own locks do not show it: under a rollback journal an idle connection holds none.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from promptqueue.errors import QueueInUse, StorageUnavailable
from promptqueue.sqlite.host.turnstile import open_lock


def shared(folder: Path) -> AbstractContextManager[None]:
    """Count among those who have the database open. Raises StorageUnavailable while it is restored."""
    message = "The queue's database is being restored; everything goes on by itself when that is done."
    return _lock(folder, fcntl.LOCK_SH, StorageUnavailable(message))


def exclusive(folder: Path) -> AbstractContextManager[None]:
    """Keep everybody from opening the database in `folder`. Raises QueueInUse when anybody has."""
    return _lock(folder, fcntl.LOCK_EX, QueueInUse())


@contextmanager
def _lock(folder: Path, kind: int, refusal: Exception) -> Iterator[None]:
    file = open_lock(folder / "use.lock")
    try:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal from None
        yield
    finally:
        os.close(file)
