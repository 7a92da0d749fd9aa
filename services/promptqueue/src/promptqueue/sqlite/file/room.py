"""How much room the queue takes, and how much of its disk a submission must leave free."""

import os
from collections.abc import Sequence
from pathlib import Path

from promptqueue.condition import Bounds, Room
from promptqueue.errors import StorageFull
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.host import filesystem

PAGES_BESIDE = 17  # that a submission changes besides those of its texts: ends of tables and indexes, counters
ENTRIES = 2  # in indexes by what is random, id and key, of each further one: most likely on pages of their own
FRAME_HEADER = 24  # bytes that a log adds to each page; a rollback journal eight (sqlite.org/fileformat2.html, 3, 4.1)
MB, GB = 10**6, 10**9


def refuse(database: Database, lengths: Sequence[int], bounds: Bounds) -> None:
    """Refuse prompts whose texts have these lengths, in bytes, where they would not keep within the bounds.

    Raises StorageFull.

    It is asked inside the transaction that would store it, of which there is one at a time on the whole machine: so
    nothing is counted, and nobody else's submission comes between.
    """
    max_stored_bytes, min_free_bytes = bounds.get("max_stored_bytes"), bounds.get("min_free_bytes")
    if max_stored_bytes is None and min_free_bytes is None:
        return
    count, spare = database.pages()
    page_size = database.files.page_size
    needed = sum(length // page_size + 1 for length in lengths)
    if max_stored_bytes is not None:
        stored = (count - spare) * page_size
        if stored + needed * page_size > max_stored_bytes:
            message = (
                f"The queue stores {size(stored)}, and {size(max_stored_bytes)} is the most it may: "
                "delete prompts that are done with, or wait until older ones are erased."
            )
            raise StorageFull(message)
    if min_free_bytes is not None:
        _refuse_disk(database, count, spare, needed + PAGES_BESIDE + ENTRIES * (len(lengths) - 1), min_free_bytes)


def _refuse_disk(database: Database, count: int, spare: int, pages: int, min_free_bytes: int) -> None:
    # Moving pages meanwhile makes the file longer and the disk fuller. In this order the same bytes may count as
    # owed and as used, but they always count.
    with database.storage_errors():
        now = os.stat(database.path).st_size  # noqa: PTH116 (this runs for each submission, and pathlib takes longer)
        free = filesystem.free_bytes(database.path.parent)
    # At the commit all pages of this transaction go to the journal, and new pages go to the file later.
    database.promised += pages * (database.files.page_size + FRAME_HEADER)
    owed = max(0, (count + max(0, pages - spare)) * database.files.page_size - now)
    if free - owed - database.promised < min_free_bytes:
        message = (
            f"The queue's disk has {size(free)} free, of which {size(min_free_bytes)} are kept for finishing and "
            "erasing: make room there, or delete prompts that are done with."
        )
        raise StorageFull(message)


def look(database: Database) -> Room:
    """Return how much room the queue takes, and how much there is."""
    count, spare = database.pages()
    with database.storage_errors():
        free = filesystem.free_bytes(database.path.parent)
        file, journal = length(database.path), length(f"{database.path}-wal")
    [vacuum] = database.run("PRAGMA auto_vacuum")
    return Room(
        stored_bytes=(count - spare) * database.files.page_size,
        spare_bytes=spare * database.files.page_size,
        file_bytes=file,
        journal_bytes=journal,
        disk_free_bytes=free,
        disk_is_scarce=free < filesystem.SCARCE,
        in_steps=vacuum[0] != 0,
    )


def length(path: Path | str) -> int:
    """Return a file's length in bytes, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (pathlib takes longer)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def size(number: int) -> str:
    """Format bytes for people."""
    return f"{number / GB:.1f} GB" if number >= GB else f"{number / MB:.1f} MB"
