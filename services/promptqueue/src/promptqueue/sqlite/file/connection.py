"""A connection to the queue's database that notices when its files are gone, and then opens what is there."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.open_files import OpenFiles
from promptqueue.sqlite.file.place import Loss

LOOK_EVERY = 0.05  # seconds for which reads trust that the files are there: to look takes longer than to read a row

log = logging.getLogger(__name__)


class Connection:
    """Runs the statements of one thread."""

    def __init__(self, open_files: Callable[[bool], OpenFiles], *, create: bool) -> None:
        """Open the database with `open_files`, which is called with whether it may make one.

        Later everything raises StorageUnavailable once when the file is no longer at its path. The use after that opens
        what is there by then, and makes nothing.
        """
        self._open_files = open_files
        self.files = open_files(create)
        self.path = self.files.path
        self.lost: Loss | None = None  # what became of the files, by the last look
        self._looked_at = time.monotonic()

    def run(self, statement: str, **values: Any) -> list[sqlite3.Row]:
        """Run a statement, one that writes inside a transaction; the rows that it gives."""
        if self.lost or not self.files.sqlite.in_transaction:
            self.glance()
        return self.files.execute(statement, values)

    @contextmanager
    def pragma(self, name: str, value: str | int, *, afterwards: str | int) -> Iterator[None]:
        """Set one of SQLite's pragmas for what happens inside."""
        self.run(f"PRAGMA {name} = {value}")
        try:
            yield
        finally:
            self.files.execute(f"PRAGMA {name} = {afterwards}")

    def journal_mode(self) -> str:
        """Read the journal mode; another process may have changed it."""
        if self.lost:
            self.look()
        return self.files.journal_mode()

    def look(self, *, closely: bool = False) -> None:
        """Raise StorageUnavailable, once, when the files are elsewhere; look `closely` with the lock for writing."""
        if self.lost:
            self._open_again(self.lost)
            return
        self._looked_at = time.monotonic()
        self.lost = self.files.loss(closely=closely)
        if self.lost:
            raise self.lost.error(self.path)

    def glance(self) -> None:
        """Look, unless that was done a moment ago."""
        if self.lost or time.monotonic() - self._looked_at >= LOOK_EVERY:
            self.look()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have this process's turn and one transaction, which is committed to the files at their path or not at all."""
        files = self.files
        with files.turn():
            try:
                files.execute("BEGIN IMMEDIATE")
            except StorageUnavailable:
                self.look()  # SQLite calls a file that was moved read-only
                raise
            with files.committing(self._before_commit):
                yield
            self.look()  # while the disk was waited for

    def close(self) -> None:
        self.files.close(self.lost)

    def _before_commit(self) -> None:
        self.files.refuse_given_up()
        self.look(closely=True)

    def _open_again(self, loss: Loss) -> None:
        self.files.close(loss)
        self.files = self._open_files(False)
        self.lost = None
        log.warning("database opened again path=%s reason=%r", self.path, loss.partition(":")[0])
