"""The move itself: what was not copied yet is copied, then both sides are read again and compared."""

import hashlib
from collections.abc import Callable
from contextlib import closing

from promptqueue.errors import NotMigratable
from promptqueue.migration.chunks import chunks
from promptqueue.migration.digest import Digest, digest
from promptqueue.migration.sides import Side, Target
from promptqueue.migration.tables import TABLES
from promptqueue.storage import connect

Progress = Callable[[int, int], None]
"""Hears how many rows of how many are done."""


def identity_of(url: str) -> str:
    """Name the queue at `url`, wherever it lies; one of an older version is brought up to date by that.

    Raises QueueMissing, and StorageUnavailable.
    """
    with closing(connect(url, journal_mode="keep")) as storage, closing(storage.open()) as queue:
        return hashlib.sha256(queue.secret()).hexdigest()


def differ(one: Side, other: Side) -> bool:
    """Whether two queues are not the same, whatever was done with them lately. Raises StorageUnavailable."""
    return any(digest(one.rows(table)) != digest(other.rows(table)) for table in TABLES if table.name != "audit")


def copy(source: Side, target: Target, identity: str, progress: Progress) -> int:
    """Copy the queue of this identity; how many rows had come across before it was broken off, and stayed.

    Raises NotMigratable where the target is no place for it, and StorageUnavailable.
    """
    marks = target.begin(identity)
    total = sum(source.count(table) for table in TABLES)
    done = before = sum(target.count(table) for table in TABLES if table.name in marks)
    progress(done, total)
    for table in TABLES:
        for chunk in chunks(source.rows(table, marks.get(table.name))):
            target.write(table, chunk)
            done += len(chunk)
            progress(done, total)
    return before


def compare(source: Side, target: Target, progress: Progress) -> dict[str, Digest]:
    """Read both sides from beginning to end; what each table has, on both.

    Raises NotMigratable, and leaves nothing of the target, where they are not the same; and StorageUnavailable.
    """
    total = sum(source.count(table) for table in TABLES)
    same: dict[str, Digest] = {}
    for table in TABLES:
        there, here = (digest(side.rows(table)) for side in (source, target))
        if there != here:
            others = ", not the same ones" if there.rows == here.rows else ""
            _refuse(target, f"{table.name} has {there.rows:,} rows in the one and {here.rows:,} in the other{others}")
        same[table.name] = there
        progress(sum(each.rows for each in same.values()), total)
    if miscounts := target.miscounts():
        _refuse(target, f"{miscounts[0]} is not what was counted")
    return same


def _refuse(target: Target, why: str) -> None:
    target.give_up()
    message = (
        f"The target did not become what the source is: {why}. Was the source used since a try that was broken off? "
        "What had come across was removed: begin again."
    )
    raise NotMigratable(message)
