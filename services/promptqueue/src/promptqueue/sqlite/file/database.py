"""The queue's database as its verbs use it: what shares a commit, whom a commit is told to, what the journal keeps."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.connection import Connection
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.host import filesystem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promptqueue.sqlite.file.engine import sqlite3

LONG_LOG = 1_000  # pages after which a commit moves them to the database; SQLite's own number

log = logging.getLogger(__name__)


class Database(Connection):
    """A connection with its transactions."""

    def __init__(self, path: Path, *, wanted_journal: str, lock_timeout: float, create: bool = True) -> None:
        """Open the file, as a Connection does."""
        self._depth = 0
        self.promised = 0  # bytes that this transaction's submissions may write to the journal
        self._changed: set[str | None] = set()
        self._written: set[str] = set()
        self._has_erased = False
        super().__init__(path, wanted_journal=wanted_journal, lock_timeout=lock_timeout, create=create)

    def changed(self, prompt_id: str | None) -> None:
        """Let all who wait hear of this prompt, or of any when it is None, once the transaction has committed."""
        self._changed.add(prompt_id)

    def written(self, prompt_id: str) -> None:
        """Let whoever reads this prompt's text hear that there is more, once the transaction has committed."""
        self._written.add(prompt_id)

    @contextmanager
    def transaction(self, *, durable: bool = True, undoes: bool = True) -> Iterator[None]:
        """Commit what happens inside, all or nothing; on the disk before it returns, unless it need not be `durable`.

        Inside another transaction it is a savepoint, and shares the outer one's commit. Savepoints within a savepoint
        cost the more the more was written since that one; what raises before it writes has nothing that it `undoes`.
        """
        with (self._savepoint() if undoes else self._unmarked()) if self._depth else self._outermost(durable):
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    @contextmanager
    def brief_transaction(self) -> Iterator[None]:
        """Commit what happens inside, and keep the others waiting no longer than the writing takes.

        What waits for the disk comes afterwards, so a power cut may take the commit back.
        """
        # SQLite moves the log's pages to the database within the commit that makes it long, while all others wait.
        self.run("PRAGMA wal_autocheckpoint = 0")
        try:
            with self.transaction(durable=False):
                yield
        finally:
            self._execute(f"PRAGMA wal_autocheckpoint = {LONG_LOG}")
        if not self._depth:
            self._move_pages()

    @contextmanager
    def still(self) -> Iterator[sqlite3.Connection]:
        """Give the connection itself, for a copy. With a log it stands still at this moment while others write on."""
        if self.journal != "wal":  # to stand still would be to keep every writer waiting
            yield self._connection
            return
        self.run("BEGIN")
        try:
            self.run("SELECT only_row FROM control")
            yield self._connection
        finally:
            self.run("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Give the connection itself, and keep everybody from writing meanwhile."""
        self.look()
        with self._turn(), storage_errors(self.path):
            yield self._connection

    @contextmanager
    def sparing(self) -> Iterator[None]:
        """Let what is deleted inside take next to no room where there is next to none.

        Its pages are then left as they are instead of being overwritten, which takes as much room in the journal as it
        makes in the file; they go with the end of the file by `compact`.
        """
        with storage_errors(self.path):
            free = filesystem.free_bytes(self.path.parent)
        if free >= filesystem.SCARCE:
            yield
            return
        self._execute("PRAGMA secure_delete = OFF")
        try:
            yield
        finally:
            self._execute("PRAGMA secure_delete = ON")

    def erased(self) -> None:
        """Have the journal emptied after this transaction: it still holds the pages with what was erased."""
        self._has_erased = True

    def checkpoint(self) -> bool:
        """Empty the journal as far as readers allow it, and cut its file down; whether it is empty now."""
        self._move_pages()
        journal = self.path.with_name(f"{self.path.name}-journal")
        with self._turn():
            # Whoever reads is not waited for: SQLite would keep every writer out meanwhile.
            self.run("PRAGMA busy_timeout = 0")
            try:
                if self.journal == "wal":
                    self._look_closely()
                    [told] = self.run("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._look_closely()
                    return not told["busy"]
                if journal.exists():
                    # It still holds the pages that the last commits overwrote, and with them deleted texts.
                    self.run("PRAGMA journal_mode = DELETE")
                    self.run("PRAGMA journal_mode = PERSIST")
                return not journal.exists()
            finally:
                self._execute(f"PRAGMA busy_timeout = {round(self._lock_timeout * 1000)}")

    def _move_pages(self) -> None:
        """Move the log's pages to the database beside those who read and write: it makes nobody wait."""
        self.run("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def _outermost(self, durable: bool) -> Iterator[None]:
        self._glance()
        relaxed = not durable and self.journal == "wal"  # without a log, a commit that does not wait could corrupt
        try:
            if relaxed:
                self.run("PRAGMA synchronous = NORMAL")
            self.promised = 0
            with self._locked():
                yield
        except StorageUnavailable:
            self._shorten_log()
            raise
        finally:
            if relaxed:
                self._execute("PRAGMA synchronous = FULL")
            changed, self._changed = self._changed, set()
            written, self._written = self._written - changed, set()
        if changed:
            self.wakeup.changed(changed)
        if written:
            self.wakeup.written(written)
        if self._has_erased:
            self._empty_journal()

    def _shorten_log(self) -> None:
        """Give back what a transaction that failed has written to the log: a full disk would be the fuller for it."""
        with suppress(StorageUnavailable), storage_errors(self.path):
            if not self._loss and filesystem.free_bytes(self.path.parent) < filesystem.SCARCE:
                self.checkpoint()

    def _empty_journal(self) -> None:
        try:
            self._has_erased = not self.checkpoint()
        except StorageUnavailable as unavailable:  # what was erased is erased; its turn comes again
            log.debug("journal not emptied reason=%s", unavailable)

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._refuse_given_up()
        self.run("SAVEPOINT verb")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self.run("ROLLBACK TO verb")
                self.run("RELEASE verb")
            raise
        self.run("RELEASE verb")

    @contextmanager
    def _unmarked(self) -> Iterator[None]:
        self._refuse_given_up()
        before = self._connection.total_changes
        try:
            yield
        except BaseException:
            # It was to raise before it wrote: half a verb must not be committed, and cannot be undone alone.
            if self._connection.in_transaction and self._connection.total_changes != before:
                self._execute("ROLLBACK")
            raise
