"""Whether somebody copied an older database over the one that is open, which keeps its device and inode.

SQLite notices when it comes upon pages that do not fit, and by then has accepted much. But the header of the file
counts the commits that changed its first page (sqlite.org/fileformat2.html, 1.3.3), and an older copy has counted less.
"""

import os
from contextlib import suppress
from pathlib import Path

from promptqueue.sqlite.host.filesystem import Identity

COUNTER = 24  # offset in the file: four bytes, the highest first
VALID_FOR = 92  # offset of the same number again, which says when the number of pages was written
AHEAD = 1_000_000  # more commits than a log holds

_older: set[Identity] = set()
"""The files that this process knows to be older. Whoever mends it puts another file in their place."""


class Age:
    """The age of an open file. Look only with the lock for writing, so that nobody changes the file meanwhile."""

    def __init__(self, database: Identity) -> None:
        self._database = database
        self._descriptor = _descriptor_of(database)
        self._counted = 0

    def look(self) -> None:
        """Make it known to everybody in this process (`is_older`) where the file is older than at the look before."""
        counted = self._count()
        if counted < self._counted:
            _older.add(self._database)
        self._counted = counted

    def _count(self) -> int:
        if self._descriptor is None:
            return 0
        if not _is_of(self._descriptor, self._database):  # it belonged to another connection, which was closed
            self._descriptor = _descriptor_of(self._database)
            return self._counted
        return int.from_bytes(os.pread(self._descriptor, 4, COUNTER), "big")


def is_older(database: Identity) -> bool:
    """Whether this process knows that an older file was copied over this one."""
    return database in _older


def count_ahead(copy: Path, database: Identity) -> None:
    """Count in a copy, which nobody has open, further than the open database that it will replace has."""
    descriptor = _descriptor_of(database)
    counted = int.from_bytes(os.pread(descriptor, 4, COUNTER), "big") if descriptor is not None else 0
    with copy.open("r+b") as file:
        for place in (COUNTER, VALID_FOR):
            file.seek(place)
            file.write((counted + AHEAD).to_bytes(4, "big"))


def _descriptor_of(database: Identity) -> int | None:
    """Find the descriptor by which SQLite has a file open: closing one of our own would drop SQLite's locks."""
    with suppress(OSError):  # macOS has no such folder
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
            if _is_of(int(name), database):
                return int(name)
    return None


def _is_of(descriptor: int, database: Identity) -> bool:
    with suppress(OSError):  # it is closed
        found = os.fstat(descriptor)
        return (found.st_dev, found.st_ino) == database
    return False
