"""Backups: copies of the database, made while everybody goes on, and checked before they get their name."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.copies.atomic_file import replacing, temporary
from promptqueue.sqlite.errors import FileInTheWay
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.room import size
from promptqueue.sqlite.host import filesystem

CopyProgress = Callable[[int, int], None]

WORTH_IT = 8  # one unused page in so many makes it worth it to copy a database without them
PAGES_AT_ONCE = 256  # a megabyte; under a rollback journal writers wait while it is copied


def back_up(database: Database, file: Path, *, overwrite: bool = False, progress: CopyProgress | None = None) -> None:
    """Copy the whole queue into one file while everybody goes on; `progress` hears how many pages of how many.

    The copy is of one moment, is checked, and is on the disk before it gets its name.
    Raises FileInTheWay when the file exists and may not be overwritten, or is the queue itself, and StorageUnavailable.
    """
    if file.exists() and any(file.samefile(own) for own in filesystem.files_of(database.path)):
        message = f"{file} is a file of the queue's own: give the copy another name."
        raise FileInTheWay(message)
    if file.exists() and not overwrite:
        message = f"{file} exists already: give the copy another name, or let it be overwritten."
        raise FileInTheWay(message)
    with storage_errors(file, "The backup"):
        count, spare = database.pages()
        pages = count + (count - spare if spare * WORTH_IT >= count else 0)
        needed, free = pages * database.files.page_size, filesystem.free_bytes(file.parent)
    if needed > free:  # it would fill its disk: the queue may lie there too, and needs room
        message = (
            f"The backup {file} would need {size(needed)}, and its disk has {size(free)} free: make room there, or let "
            "the copy go to another disk."
        )
        raise StorageUnavailable(message)
    with storage_errors(file, "The backup"), replacing(file) as unfinished:
        with database.at_one_moment() as source:
            copy(source, unfinished, progress)
        if damage := damage_of(unfinished):
            message = (
                f"The queue's database {database.path} is damaged, so nothing was copied: {damage}; "
                "stop everything and put an earlier backup in its place: python -m promptqueue restore FILE."
            )
            raise StorageUnavailable(message)


def copy(source: sqlite3.Connection, file: Path, progress: CopyProgress | None) -> None:
    """Copy a database page by page into an empty file, complete in that one file."""
    pages = PAGES_AT_ONCE
    with closing(sqlite3.connect(file, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")  # the file is synced as a whole before it gets its name
        while not _copied(source, target, pages, progress):
            pages *= 2
        target.execute("PRAGMA journal_mode = DELETE")
    _squeeze(file)  # unused pages were copied too: under a rollback journal, leaving them out would block every writer


def _squeeze(file: Path) -> None:
    """Take the unused pages out of a database that nobody has open, where that is worth it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        [count] = connection.execute("PRAGMA page_count").fetchone()
        [spare] = connection.execute("PRAGMA freelist_count").fetchone()
        if spare * WORTH_IT >= count:
            with temporary(file.with_name(f"{file.name}.squeezed")) as smaller:
                vacuum_into(connection, smaller)
                smaller.replace(file)


def vacuum_into(connection: sqlite3.Connection, file: Path) -> None:
    """Write the database of a connection into an empty file, which can then give room back in steps."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("VACUUM INTO ?", (os.fspath(file),))


def damage_of(file: Path) -> str | None:
    """Return SQLite's words for what is wrong with a database; None when it is intact."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        try:
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            return str(error)
    return None if found == "ok" else found.replace("\n", " ")


class _BegunAnew(Exception):
    """Somebody wrote between two steps, and SQLite began again."""


def _copied(source: sqlite3.Connection, target: sqlite3.Connection, pages: int, progress: CopyProgress | None) -> bool:
    """Copy; False when somebody wrote and SQLite began again. In larger steps it ends however much is written."""
    left: int | None = None

    def step(status: int, remaining: int, total: int) -> None:
        nonlocal left
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return  # nothing was copied; it tries again
        if left is not None and remaining >= left:
            raise _BegunAnew
        left = remaining
        if progress:
            progress(total - remaining, total)

    try:
        source.backup(target, pages=pages, progress=step, sleep=0.005)
    except _BegunAnew:
        return False
    return True
