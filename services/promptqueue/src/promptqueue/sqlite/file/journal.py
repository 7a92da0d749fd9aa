"""The journal beside the database: what is written to it first, and when it is emptied."""

import logging
from contextlib import AbstractContextManager, nullcontext, suppress

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.connection import Connection
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.host import filesystem

LONG_LOG = 1_000  # pages after which a commit moves them to the database; SQLite's own number

log = logging.getLogger(__name__)


class Journal:
    """A write-ahead log or a rollback journal, as one connection sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._holds_erased = False

    def relaxed(self) -> AbstractContextManager[None]:
        """Let commits inside not wait for the disk, if all that a power cut can then do is to take them back."""
        if self._connection.journal_mode() != "wal":
            return nullcontext()
        return self._connection.pragma("synchronous", "NORMAL", afterwards="FULL")

    def left_long(self) -> AbstractContextManager[None]:
        """Keep commits inside from moving the log's pages to the database, however many there are."""
        return self._connection.pragma("wal_autocheckpoint", 0, afterwards=LONG_LOG)

    def move_pages(self) -> None:
        """Move the log's pages to the database beside those who read and write: nobody waits for it."""
        self._connection.run("PRAGMA wal_checkpoint(PASSIVE)")

    def empty(self) -> bool:
        """Empty the journal as far as readers allow it, and cut its file down; whether it is empty now."""
        connection, path = self._connection, self._connection.path
        self.move_pages()
        rollback_journal = path.with_name(f"{path.name}-journal")
        patience = round(connection.files.lock_timeout * 1000)
        # Whoever reads is not waited for: SQLite would keep every writer out meanwhile.
        with connection.files.turn(), connection.pragma("busy_timeout", 0, afterwards=patience):
            if connection.journal_mode() == "wal":
                connection.look(closely=True)
                [moved] = connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.look(closely=True)
                return not moved["busy"]
            if rollback_journal.exists():
                # It still holds the pages that the last commits overwrote, and with them deleted texts.
                connection.run("PRAGMA journal_mode = DELETE")
                connection.run("PRAGMA journal_mode = PERSIST")
            return not rollback_journal.exists()

    def empty_after_commit(self) -> None:
        """Have the journal emptied after this transaction: it still holds the pages with what was erased."""
        self._holds_erased = True

    def committed(self) -> None:
        """Empty the journal where it holds what was erased."""
        if not self._holds_erased:
            return
        try:
            self._holds_erased = not self.empty()
        except StorageUnavailable as unavailable:  # what was erased is erased; its turn comes again
            log.debug("journal not emptied reason=%s", unavailable)

    def failed(self) -> None:
        """Free what a transaction that failed has written to the log, where the disk is nearly full."""
        path = self._connection.path
        with suppress(StorageUnavailable), storage_errors(path):
            if not self._connection.lost and filesystem.free_bytes(path.parent) < filesystem.SCARCE:
                self.empty()
