"""The verb that gives room back to the disk: compact."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import TYPE_CHECKING

from promptqueue.errors import StorageFull, StorageUnavailable
from promptqueue.sqlite.copies.atomic_file import passing
from promptqueue.sqlite.copies.backup import damage_of
from promptqueue.sqlite.copies.squeeze import vacuum_into
from promptqueue.sqlite.file import age, room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.place import identity
from promptqueue.sqlite.host import filesystem

if TYPE_CHECKING:
    from pathlib import Path

    from promptqueue.sqlite.file.database import Database

STEP_SECONDS = 0.005
"""How long one commit of `compact` goes on moving pages."""

PAGES_AT_ONCE = 16
"""Pages that are moved between two looks at the clock."""

PATIENCE = 10.0
"""Seconds for which a rewrite waits for those who read."""

log = logging.getLogger(__name__)


class Compacting:
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    _database: Database

    def compact(self, *, rewrite: bool = False) -> int:
        look = room.look(self._database)
        if not look.in_steps:
            return self._rewrite(look.stored_bytes, look.disk_free_bytes) if rewrite else 0
        if not look.spare_bytes:
            return 0
        with self._database.brief_transaction():
            until = time.monotonic() + STEP_SECONDS
            before, _ = self._database.pages()
            while self._database.pages()[1]:
                self._database.run(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
                if time.monotonic() >= until or look.disk_free_bytes < filesystem.SCARCE:
                    break
            after, _ = self._database.pages()
        return (before - after) * self._database.page_size

    def _rewrite(self, stored: int, free: int) -> int:
        """Make the file anew without its unused pages, and such that from then on it can give them back in steps."""
        needed = 2 * stored + room.MB  # a copy beside it, and as much again in the journal while that is copied back
        if free < needed:
            message = (
                f"To make the queue's file smaller as a whole takes {room.size(needed)} for a while, and its disk has "
                f"{room.size(free)} free: make room there first. Nothing was changed."
            )
            raise StorageFull(message)
        path, before = self._database.path, self._length()
        with self._database.alone() as connection, passing(path.with_name(f".{path.name}.compact")) as copy:
            # Not a plain VACUUM: some builds of SQLite keep that one's copy in memory, however large it is.
            vacuum_into(connection, copy)
            if damage := damage_of(copy):
                message = f"The queue's database {path} is damaged, so nothing was changed: {damage}."
                raise StorageUnavailable(message)
            age.count_on(copy, identity(str(path)))
            _copy_back(copy, connection)
        self._database.checkpoint()
        log.info("database rewritten bytes_before=%d bytes_after=%d", before, self._length())
        return max(0, before - self._length())

    def _length(self) -> int:
        with self._database.storage_errors():
            return self._database.path.stat().st_size


def _copy_back(copy: Path, connection: sqlite3.Connection) -> None:
    """Let a copy take the place of all pages, in one transaction of SQLite's own."""
    until = time.monotonic() + PATIENCE

    def step(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() >= until:
            message = "Another program reads the queue's database and does not let go, so nothing was changed."
            raise StorageUnavailable(message)

    with closing(sqlite3.connect(copy, isolation_level=None)) as source:
        source.backup(connection, progress=step, sleep=0.01)
