"""Restoring: a checked copy takes the place of the database, which is kept beside it."""

import os
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from promptqueue.errors import QueueInUse
from promptqueue.sqlite.copies.atomic_file import replacing
from promptqueue.sqlite.copies.backup import CopyProgress, copy, damage_of
from promptqueue.sqlite.errors import NotRestorable
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import is_locked, storage_errors
from promptqueue.sqlite.file.place import name_once_replaced
from promptqueue.sqlite.host.usage import exclusive

RECEIVED_AT_ONCE = 1024 * 1024  # bytes

STREAM = "What came"  # what messages call a stream


def restore(path: Path, source: Path | BinaryIO, *, progress: CopyProgress | None = None) -> Path | None:
    """Put the queue in `source`, which `backup` made, in place of the one at `path`; return where that one is kept.

    At every moment there is a complete database of this name, the old one or the new. Nobody can open it meanwhile.
    What was accepted after the backup is in the old one alone; what was completed since runs again. A stream is read to
    its end and checked before anything is replaced.
    Raises QueueInUse while anybody has the queue open, NotRestorable when the source is damaged, no queue, or of a
    newer version.
    """
    if isinstance(source, Path) and path.exists() and source.exists() and source.samefile(path):
        message = f"{source} is the queue's own database: name a backup of it."
        raise NotRestorable(message)
    with storage_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(path.parent), replacing(path) as unfinished:
            if isinstance(source, Path):
                _copy(source, unfinished, progress)
            else:
                _receive(source, unfinished, progress)
            _check(unfinished, str(source) if isinstance(source, Path) else STREAM)
            _copy_rights(path, unfinished)
            return _set_aside(path)


def _copy(file: Path, unfinished: Path, progress: CopyProgress | None) -> None:
    # Read-only, but not as immutable: a database that was not made by `backup` may have a log beside it.
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
            copy(source, unfinished, progress)
    except sqlite3.DatabaseError as error:
        raise _not_restorable(str(file), _unreadable(file) or str(error)) from error


def _unreadable(file: Path) -> str | None:
    """Return why a file cannot be read; None where it can."""
    if not file.exists():
        return "there is no such file"
    if os.access(file, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    owner, user = file.stat().st_uid, os.geteuid()
    return f"it belongs to user {owner}, and user {user} may not read it: give it on standard input, with `restore -`"


def _receive(stream: BinaryIO, unfinished: Path, progress: CopyProgress | None) -> None:
    """Write all of a stream. Its length is not known, so `progress` hears what has come as the whole."""
    received = 0
    with unfinished.open("wb") as file:
        while piece := stream.read(RECEIVED_AT_ONCE):
            received += file.write(piece)
            if progress:
                progress(received, received)
    if not received:
        raise _not_restorable(STREAM, "it is empty")


def _check(unfinished: Path, name: str) -> None:
    """Refuse anything but an intact queue of a schema that this program knows. `name` is what messages call it."""
    if damage := damage_of(unfinished):
        raise _not_restorable(name, f"it is damaged: {damage}")
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as copied:
        copied.execute("PRAGMA journal_mode = DELETE")  # complete in this one file, whatever it was copied from
        [number] = copied.execute("PRAGMA user_version").fetchone()
        is_queue = copied.execute("SELECT 1 FROM sqlite_schema WHERE name = 'prompts'").fetchone()
    if not is_queue or not number:
        raise _not_restorable(name, "it does not hold a queue")
    if number > schema.known():
        known = schema.known()
        raise _not_restorable(name, f"it has schema {number} of a newer version, and this program knows {known}")


def _not_restorable(name: str, reason: str) -> NotRestorable:
    return NotRestorable(f"{name} cannot take the place of the queue's database: {reason}; nothing was changed.")


def _copy_rights(path: Path, unfinished: Path) -> None:
    """Give the new file the old one's mode and owner, or its folder's owner, so that the same users can open it."""
    model = path if path.exists() else path.parent
    if path.exists():
        unfinished.chmod(path.stat().st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(unfinished, model.stat().st_uid, model.stat().st_gid)


def _set_aside(path: Path) -> Path | None:
    """Keep the database that is replaced under another name beside it, with its journal where that is still needed.

    No journal may stay behind: SQLite would replay it into the new file.
    """
    exists = path.exists()
    if exists:
        _complete(path)
    kept = name_once_replaced(path)
    for suffix in ("-wal", "-journal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(kept.with_name(kept.name + suffix))
    if not exists:
        return None
    kept.hardlink_to(path)  # so that the name always has a database
    return kept


def _complete(path: Path) -> None:
    """Move all in the journal to the database. Raises QueueInUse when something like sqlite3's shell has it open."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as replaced:
            replaced.execute("BEGIN EXCLUSIVE")
            replaced.execute("ROLLBACK")
            replaced.execute("PRAGMA journal_mode = PERSIST")  # whose file the next line then deletes
            replaced.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if is_locked(error):
            raise QueueInUse from error
        # Too damaged to be read: that may be why it is replaced.
