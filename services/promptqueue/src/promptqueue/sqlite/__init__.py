"""The queue in one SQLite file, shared by every process of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptqueue.sqlite.answering import Answering
from promptqueue.sqlite.asking import Asking
from promptqueue.sqlite.backup import BackingUp
from promptqueue.sqlite.caring import Caring
from promptqueue.sqlite.compacting import Compacting
from promptqueue.sqlite.database import Database
from promptqueue.sqlite.engine import sqlite3
from promptqueue.sqlite.listing import Listing
from promptqueue.wakeup import Listener

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from promptqueue.clock import Clock


class SQLitePromptQueue(Asking, Answering, Caring, Listing, BackingUp, Compacting):
    """Keeps the contract of `promptqueue.queue.PromptQueue` with one connection of one thread."""

    def __init__(
        self, path: Path, *, journal_mode: str, lock_timeout: float, clock: Clock, create: bool = True
    ) -> None:
        """Open the file at `path`; `promptqueue.connect` says what the values mean. Raises StorageUnavailable."""
        self._folder = path.parent
        self._workers = path.parent / "workers"
        self._clock = clock
        self._database = Database(path, wanted_journal=journal_mode, lock_timeout=lock_timeout, create=create)

    def describe(self) -> Mapping[str, str]:
        self._database.look()
        self._database.run("SELECT only_row FROM control")
        return {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": self._database.journal}

    def listen(self, *, texts: bool = True) -> Listener:
        with self._database.told():
            return Listener(self._folder / "wake", texts=texts)

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        return self._database.transaction(durable=durable)

    def close(self) -> None:
        self._database.close()
