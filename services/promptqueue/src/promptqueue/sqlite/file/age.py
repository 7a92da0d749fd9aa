"""Whether somebody copied an older database over the one that is open, which keeps its device and inode.

SQLite notices when it comes upon pages that do not fit, and by then has accepted much. But the header of the file
counts the commits that changed its first page (sqlite.org/fileformat2.html, 1.3.3), and an older copy has counted less.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from promptqueue.sqlite.host.identity import Identity

COUNTER = 24  # where it stands in the file: four bytes, the highest first
VALID_FOR = 92  # where it stands again, for the number of pages
AHEAD = 1_000_000  # more commits than a log holds

_older: set[Identity] = set()
"""The files of which this process knows it. Whoever mends it puts another file in their place."""


class Age:
    """The age of an open file. It is asked by whoever holds the lock for writing: nobody else changes it meanwhile."""

    def __init__(self, database: Identity) -> None:
        """Know nothing of it yet."""
        self._database = database
        self._descriptor = _descriptor_of(database)
        self._counted = 0

    def has_gone_back(self) -> bool:
        """Whether the file was older at this look than at the one before, or that was seen already."""
        if self._database in _older:
            return True
        counted = self._count()
        if counted < self._counted:
            _older.add(self._database)
        self._counted = counted
        return self._database in _older

    def _count(self) -> int:
        if self._descriptor is None:
            return 0
        found = os.fstat(self._descriptor)
        if (found.st_dev, found.st_ino) != self._database:  # it was another connection's, which was closed
            self._descriptor = _descriptor_of(self._database)
            return self._counted
        return int.from_bytes(os.pread(self._descriptor, 4, COUNTER), "big")


def is_older(database: Identity) -> bool:
    """Whether it is known of this file that an older one was copied over it."""
    return database in _older


def count_on(copy: Path, database: Identity) -> None:
    """Let a copy that will take the place of an open database have counted more; nobody may have the copy open."""
    descriptor = _descriptor_of(database)
    counted = int.from_bytes(os.pread(descriptor, 4, COUNTER), "big") if descriptor is not None else 0
    with copy.open("r+b") as file:
        for place in (COUNTER, VALID_FOR):
            file.seek(place)
            file.write((counted + AHEAD).to_bytes(4, "big"))


def _descriptor_of(database: Identity) -> int | None:
    """Find a descriptor by which SQLite has a file open: to open and close another would give up SQLite's own locks."""
    with suppress(OSError):  # macOS has no such folder
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with suppress(OSError):
                found = os.fstat(int(name))
                if (found.st_dev, found.st_ino) == database:
                    return int(name)
    return None
