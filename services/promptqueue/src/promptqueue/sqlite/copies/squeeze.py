"""Copies of a database that have no unused pages."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from promptqueue.sqlite.copies.atomic_file import passing
from promptqueue.sqlite.file.engine import sqlite3

if TYPE_CHECKING:
    from pathlib import Path

WORTH_IT = 8
"""One page in so many must be unused before a copy is made anew for its sake."""


def squeeze(file: Path) -> None:
    """Rid a database that nobody has open of its unused pages, where that is worth it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        [count] = connection.execute("PRAGMA page_count").fetchone()
        [spare] = connection.execute("PRAGMA freelist_count").fetchone()
        if not worth_squeezing(count, spare):
            return
        with passing(file.with_name(f"{file.name}.squeezed")) as smaller:
            vacuum_into(connection, smaller)
            smaller.replace(file)


def worth_squeezing(count: int, spare: int) -> bool:
    """Tell whether a database of `count` pages with so many unused ones is to be copied without them."""
    return spare * WORTH_IT >= count


def vacuum_into(connection: sqlite3.Connection, file: Path) -> None:
    """Write what a connection reads into an empty file, which from then on can give room back in steps."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("VACUUM INTO ?", (os.fspath(file),))
