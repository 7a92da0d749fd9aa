"""Storage in one SQLite file, and the URL that names it."""

import _thread
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from promptqueue.errors import QueueMissing
from promptqueue.machine.clock import Clock
from promptqueue.machine.threads import NativeThreads
from promptqueue.settings import without_secrets
from promptqueue.sqlite.copies.backup import CopyProgress, back_up
from promptqueue.sqlite.copies.restore import restore
from promptqueue.sqlite.copies.rewrite import rewrite
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.open_files import OpenFiles
from promptqueue.sqlite.file.room import length
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.host.datagrams import DatagramListener
from promptqueue.sqlite.host.presence import PresenceFile
from promptqueue.sqlite.queue import SQLitePromptQueue

LARGE_JOURNAL = 16 * 1024 * 1024  # bytes; SQLite empties it by itself at 4 MB, unless somebody keeps reading


class SQLiteStorage:
    """Keeps the contract of `promptqueue.storage.Storage`; `connect` says there what the values mean."""

    def __init__(
        self,
        path: Path,
        *,
        journal_mode: str = "auto",
        lock_timeout: float = 5.0,
        threads: NativeThreads = _thread,
        clock: Clock | None = None,
    ) -> None:
        self.path = path
        self._open_files = lambda create: OpenFiles(
            path, wanted_journal=journal_mode, lock_timeout=lock_timeout, threads=threads, create=create
        )
        self._clock = clock or Clock()
        self._may_make = journal_mode != "keep"  # and has made none yet
        self._journal: str | None = None  # the mode that a queue of this process saw last

    @property
    def reads_wait(self) -> bool:
        return self._journal != "wal"

    def open(self) -> SQLitePromptQueue:
        database = Database(self._open_files, create=True) if self._may_make else self._existing()
        self._may_make, self._journal = False, database.files.journal_at_opening
        return SQLitePromptQueue(database, clock=self._clock, on_journal=self._see_journal)

    def listen(self, *, texts: bool = True) -> DatagramListener:
        with storage_errors(self.path):
            return DatagramListener(self.path.parent / "wake", texts=texts)

    def register(self, *, slots: int) -> PresenceFile:
        with storage_errors(self.path):
            return PresenceFile(self.path.parent / "workers", slots=slots)

    def attend(self) -> PresenceFile:
        holders = self.path.parent / "holders"
        with storage_errors(self.path):
            presence.alive(holders)  # nobody else clears the files of the dead away
            return PresenceFile(holders)

    def tidy(self, *, if_large: bool = False) -> None:
        if not if_large or length(f"{self.path}-wal") > LARGE_JOURNAL:
            with closing(Database(self._open_files, create=False)) as database:
                database.journal.empty()

    def backup(self, file: Path, *, overwrite: bool = False, progress: CopyProgress | None = None) -> None:
        with closing(self._existing()) as database:
            back_up(database, file, overwrite=overwrite, progress=progress)

    def restore(self, source: Path | BinaryIO, *, progress: CopyProgress | None = None) -> Path | None:
        return restore(self.path, source, progress=progress)

    def rewrite(self) -> int:
        with closing(self._existing()) as database:
            return rewrite(database)

    def describe(self) -> Mapping[str, str]:
        return {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": self._journal or "not known yet"}

    def close(self) -> None:
        """Nothing is held beside what was opened."""

    def demo(self) -> str | None:
        """Return the URL of the queue that `make demo` keeps below this one's folder; None where there is none."""
        demo = self.path.parent / "demo" / self.path.name
        return f"sqlite:///{demo}" if demo.exists() else None

    def _existing(self) -> Database:
        if self._journal or self.path.exists():
            return Database(self._open_files, create=False)
        demo = self.demo()
        there = f" There is one of `make demo` at {demo}." if demo else ""
        message = (
            f"There is no queue at {self.path.absolute()}: name the one you mean with --database-url or "
            f"DATABASE_URL.{there}"
        )
        raise QueueMissing(message)

    def _see_journal(self, mode: str) -> None:
        self._journal = mode


def path_of(url: str) -> Path:
    """Return the file that an SQLite URL names. Raises ValueError."""
    parts = urlsplit(url)
    path = parts.path[1:]
    # SQLite would keep `:memory:` in memory, and lose what was accepted.
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or path in ("", ":memory:"):
        others = "" if parts.scheme == "sqlite" else " or postgresql://user@host/database"
        message = f"DATABASE_URL must look like sqlite:////data/queue.db{others}, got {without_secrets(url)!r}."
        raise ValueError(message)
    return Path(path)
