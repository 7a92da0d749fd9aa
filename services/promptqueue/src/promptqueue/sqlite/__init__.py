"""The queue in one SQLite file, shared by every process of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptqueue.sqlite.copies.backup import BackingUp
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host.datagrams import Listener
from promptqueue.sqlite.verbs.client import ClientVerbs
from promptqueue.sqlite.verbs.compacting import Compacting
from promptqueue.sqlite.verbs.condition import ConditionVerbs
from promptqueue.sqlite.verbs.listing import ListingVerbs
from promptqueue.sqlite.verbs.recovery import RecoveryVerbs
from promptqueue.sqlite.verbs.retention import RetentionVerbs
from promptqueue.sqlite.verbs.worker import WorkerVerbs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from promptqueue.sqlite.host.clock import Clock


class SQLitePromptQueue(
    ClientVerbs, WorkerVerbs, RecoveryVerbs, RetentionVerbs, ConditionVerbs, ListingVerbs, BackingUp, Compacting
):
    """Keeps the contract of `promptqueue.queue.PromptQueue` with one connection of one thread."""

    def __init__(
        self, path: Path, *, journal_mode: str, lock_timeout: float, clock: Clock, create: bool = True
    ) -> None:
        """Open the file at `path`; `promptqueue.storage` says what the values mean. Raises StorageUnavailable."""
        self._folder = path.parent
        self._workers = path.parent / "workers"
        self._clock = clock
        self._database = Database(path, wanted_journal=journal_mode, lock_timeout=lock_timeout, create=create)

    def describe(self) -> Mapping[str, str]:
        self._database.look()
        self._database.run("SELECT only_row FROM control")
        return {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": self._database.journal}

    def listen(self, *, texts: bool = True) -> Listener:
        with self._database.storage_errors():
            return Listener(self._folder / "wake", texts=texts)

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        return self._database.transaction(durable=durable)

    def close(self) -> None:
        self._database.close()
