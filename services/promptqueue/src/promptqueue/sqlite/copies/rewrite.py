"""Rewriting: the database's file is made anew without its unused pages."""

import logging
import time
from contextlib import closing
from pathlib import Path

from promptqueue.errors import StorageFull, StorageUnavailable
from promptqueue.sqlite.copies.atomic_file import temporary
from promptqueue.sqlite.copies.backup import damage_of, vacuum_into
from promptqueue.sqlite.file import age, room
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host.filesystem import free_bytes, identity

PATIENCE = 10.0  # seconds for which a rewrite waits for those who read

log = logging.getLogger(__name__)


def rewrite(database: Database) -> int:
    """Make the file of an older version anew without its unused pages, so that `compact` works from then on.

    How many bytes that gave back; 0 for a file where `compact` works. Everybody else's writes wait for as long as
    copying it twice takes. Raises StorageFull when there is no room for that, and StorageUnavailable.
    """
    look = room.look(database)
    if look.in_steps:
        return 0
    # A copy beside it, and as much again in the journal while the copy replaces it.
    needed = 2 * look.stored_bytes + room.MB
    free = free_bytes(database.path.parent)
    if free < needed:
        message = (
            f"To make the queue's file smaller as a whole takes {room.size(needed)} for a while, and its disk has "
            f"{room.size(free)} free: make room there first. Nothing was changed."
        )
        raise StorageFull(message)
    path, before = database.path, look.file_bytes
    with database.exclusive() as connection, temporary(path.with_name(f".{path.name}.compact")) as copy:
        # Not a plain VACUUM: some builds of SQLite keep its copy in memory, however large it is.
        vacuum_into(connection, copy)
        if damage := damage_of(copy):
            message = f"The queue's database {path} is damaged, so nothing was changed: {damage}."
            raise StorageUnavailable(message)
        age.count_ahead(copy, identity(str(path)))
        _copy_back(copy, connection)
    database.journal.empty()
    after = room.length(path)
    log.info("database rewritten bytes_before=%d bytes_after=%d", before, after)
    return max(0, before - after)


def _copy_back(copy: Path, connection: sqlite3.Connection) -> None:
    """Replace all pages by those of a copy, in one transaction of SQLite's own."""
    until = time.monotonic() + PATIENCE

    def step(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() >= until:
            message = "Another program reads the queue's database and does not let go, so nothing was changed."
            raise StorageUnavailable(message)

    with closing(sqlite3.connect(copy, isolation_level=None)) as source:
        source.backup(connection, progress=step, sleep=0.01)
