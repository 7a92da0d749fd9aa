"""Whether the files that a connection has open are still those at their names.

SQLite goes on writing into a file that was moved, deleted or replaced: what is accepted then is in a file that nobody
will open again. So device and inode are compared in each commit's own turn, and now and then before a read.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.age import is_older
from promptqueue.sqlite.host.filesystem import NOTHING, Identity, identity
from promptqueue.wire import moment


class Loss(StrEnum):
    """What became of the files that were open, in words that follow the database's path."""

    MISSING = (
        "was moved or deleted: put it back, and everything goes on by itself, or stop everything and put a backup in "
        "its place: python -m promptqueue restore FILE"
    )
    REPLACED = "was replaced by another file while it was in use; that one is opened now, so try again"
    OVERWRITTEN = (
        "was overwritten by an older copy while it was in use, so nothing more is accepted: stop everything and put a "
        "backup in its place: python -m promptqueue restore FILE"
    )
    WITHOUT_LOG = "lost its log, which somebody moved or deleted; another one is begun now, so try again"

    def error(self, path: Path) -> StorageUnavailable:
        """Make the error to raise for the database at `path`."""
        return StorageUnavailable(f"The queue's database {path} {self}.")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of an open database: itself, and with a write-ahead log that and its index."""

    path: str
    database: Identity
    log: Identity = NOTHING
    index: Identity = NOTHING

    @classmethod
    def of(cls, path: Path, *, with_log: bool) -> Self:
        """Look up the files at `path`."""
        name = str(path)
        return cls(name, identity(name), *(_log_of(name) if with_log else ()))

    def loss(self) -> Loss | None:
        """Return what became of them; None while all are where they were. It takes a microsecond or two for each."""
        now = identity(self.path)
        if now != self.database:
            return Loss.REPLACED if now != NOTHING else Loss.MISSING
        if is_older(now):
            return Loss.OVERWRITTEN
        has_lost_log = self.log != NOTHING and (self.log, self.index) != _log_of(self.path)
        return Loss.WITHOUT_LOG if has_lost_log else None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Enter the files among those that this process has open."""
        _in_use.append(self)
        try:
            yield
        finally:
            _in_use.remove(self)
            if all(each.log != self.log for each in _in_use):
                _saved.discard(self.log)

    def has_another_log(self) -> bool:
        """Whether there is another log, or another index, under the names of those that were open."""
        log, index = _log_of(self.path)
        return log not in (NOTHING, self.log) or index not in (NOTHING, self.index)

    def clear_log(self) -> None:
        """Remove what is left of a log that was moved to its database completely."""
        _saved.add(self.log)
        for name, own in ((f"{self.path}-wal", self.log), (f"{self.path}-shm", self.index)):
            if identity(name) == own:
                Path(name).unlink()

    def has_left_log(self) -> bool:
        """Whether the log at its name is still the one that was open."""
        return self.log != NOTHING and self.log == identity(f"{self.path}-wal")


_in_use: list[Place] = []  # by connections of this process: SQLite shares the index of a log within a process
_saved: set[Identity] = set()  # the logs among them that were moved to their database completely


def _log_of(database: str) -> tuple[Identity, Identity]:
    return identity(f"{database}-wal"), identity(f"{database}-shm")


def set_foreign_log_aside(path: Path) -> None:
    """Rename the log that belonged to another database at this path: SQLite would replay it into this one.

    Raises OSError where a log was lost that one of this process's connections can still save.
    """
    for left in {each for each in _in_use if each.path == str(path)}:
        match left.loss():
            case Loss.REPLACED if left.has_left_log():
                Path(f"{path}-wal").rename(f"{name_once_replaced(path)}-wal")
                Path(f"{path}-shm").unlink(missing_ok=True)
            case Loss.WITHOUT_LOG if left.log not in _saved and not left.has_another_log():
                message = "it lost its log, which somebody moved or deleted; that is being mended, so try again"
                raise OSError(message)


def name_once_replaced(path: Path) -> Path:
    """Return the name under which a database is kept that is replaced now."""
    return path.with_name(f"{path.name}.replaced-{moment(time.time()).replace(':', '')}")
