"""The storage's errors, each as one sentence that also says what to do."""

import errno
import os
from pathlib import Path

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import filesystem

NEXT_TO_NOTHING = 64 * 1024  # bytes; with less even the files beside the database cannot be made


class storage_errors:  # noqa: N801 (read as a verb: with storage_errors(path): …)
    """Raises StorageUnavailable, which names `what` and its `path`, for an error of SQLite or the system inside."""

    # Every statement passes here, several times in each verb: a generator would cost four times as much.
    __slots__ = ("_path", "_what")

    def __init__(self, path: Path, what: str = "The queue's database") -> None:
        self._path = path
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        # The other two are mistakes of ours, not of the storage.
        if isinstance(error, sqlite3.DatabaseError | OSError) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        ):
            raise _unavailable(error, self._path, self._what) from error


def is_locked(error: Exception) -> bool:
    """Whether nothing is wrong but somebody else's lock."""
    return _primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _unavailable(error: Exception, path: Path, what: str) -> StorageUnavailable:
    if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.parent.is_dir():
        return StorageUnavailable(f"{what} {path} cannot be used: {_missing(path.parent)}.")
    remedy = _remedy(error, path)
    words = f"{what} {path} cannot be used: {error} (as user {os.geteuid()}){remedy and f'; {remedy}'}."
    return StorageUnavailable(words)


def _remedy(error: Exception, path: Path) -> str:
    code = _primary(error)
    if code == sqlite3.SQLITE_CORRUPT:
        return "it is damaged, so stop everything and put a backup in its place: python -m promptqueue restore FILE"
    if code == sqlite3.SQLITE_NOTADB:
        return "name another file in DATABASE_URL, or put a backup in its place: python -m promptqueue restore FILE"
    if is_locked(error):
        return "another program keeps it locked, so let that one finish"
    return _shortage(error, code, path)


def _shortage(error: Exception, code: int | None, path: Path) -> str:
    """Return what the disk or the folder lacks: SQLite's own words often do not say it."""
    folder = next((each for each in path.absolute().parents if each.is_dir()), path.parent)
    try:
        disk = os.statvfs(folder)
    except OSError:
        return ""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EROFS or disk.f_flag & os.ST_RDONLY:
        return "its disk is mounted read-only, so mount it writable; everything then goes on by itself"
    # Errors of SQLite's backup interface have no code.
    full = number in (errno.ENOSPC, errno.EDQUOT) or code == sqlite3.SQLITE_FULL or "is full" in str(error)
    if full or disk.f_bavail * disk.f_frsize < NEXT_TO_NOTHING:
        return "its disk is full, so make room there; everything then goes on by itself"
    foreign = [
        each for each in (folder, *filesystem.files_of(path)) if not os.access(each, os.W_OK, effective_ids=_EFFECTIVE)
    ]
    if foreign:
        owner, user = foreign[0].stat().st_uid, os.geteuid()
        whose = f"belongs to user {owner}" if owner != user else "may not be written by anybody"
        command = filesystem.ownership_command(folder, user)
        return f"{foreign[0]} {whose}, so let user {user} have it and all beside it: {command}"
    return ""


def _missing(folder: Path) -> str:
    """Say that a folder is missing, or that a file stands where it should be."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not nearest.is_dir():
        return f"{nearest} is a file and no folder, so name another"
    return f"there is no folder {folder}, so make it or name another"


def _primary(error: Exception) -> int | None:
    """Return SQLite's primary result code: extended codes add details in higher bits."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


_EFFECTIVE = os.access in os.supports_effective_ids
