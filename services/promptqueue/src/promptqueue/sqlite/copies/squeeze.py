"""Copies of a database that have no unused pages."""

import os
from contextlib import closing
from pathlib import Path

from promptqueue.sqlite.copies.atomic_file import temporary
from promptqueue.sqlite.file.engine import sqlite3

WORTH_IT = 8
"""A copy is made anew when one page in so many is unused."""


def squeeze(file: Path) -> None:
    """Take the unused pages out of a database that nobody has open, where that is worth it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        [count] = connection.execute("PRAGMA page_count").fetchone()
        [spare] = connection.execute("PRAGMA freelist_count").fetchone()
        if not worth_squeezing(count, spare):
            return
        with temporary(file.with_name(f"{file.name}.squeezed")) as smaller:
            vacuum_into(connection, smaller)
            smaller.replace(file)


def worth_squeezing(count: int, spare: int) -> bool:
    """Whether `spare` unused pages of `count` are enough to copy a database without them."""
    return spare * WORTH_IT >= count


def vacuum_into(connection: sqlite3.Connection, file: Path) -> None:
    """Write the database of a connection into an empty file, which can then give room back in steps."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("VACUUM INTO ?", (os.fspath(file),))
