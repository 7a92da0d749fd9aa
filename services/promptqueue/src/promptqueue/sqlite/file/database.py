"""The queue's database as its verbs use it: what shares a commit, and who hears of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.connection import Connection
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.journal import Journal
from promptqueue.sqlite.file.open_files import OpenFiles
from promptqueue.sqlite.host import filesystem


class Database(Connection):
    """A connection with its transactions."""

    def __init__(self, open_files: Callable[[bool], OpenFiles], *, create: bool) -> None:
        super().__init__(open_files, create=create)
        self.journal = Journal(self)
        self.promised = 0  # bytes that this transaction's submissions may write to the journal
        self._depth = 0
        self._changed: set[str | None] = set()
        self._written: set[str] = set()

    def pages(self) -> tuple[int, int]:
        """Count the file's pages, with those that this transaction has added, and the unused ones among them."""
        return int(self.run("PRAGMA page_count")[0][0]), int(self.run("PRAGMA freelist_count")[0][0])

    def storage_errors(self) -> AbstractContextManager[None]:
        """Turn what the storage says inside into StorageUnavailable."""
        return storage_errors(self.path)

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
        """Commit what happens inside without letting others wait for the disk; a power cut may take it back."""
        # SQLite moves the log's pages to the database within the commit that makes it long, while all others wait.
        with self.journal.left_long(), self.transaction(durable=False):
            yield
        if not self._depth:
            self.journal.move_pages()

    def sparing(self) -> AbstractContextManager[None]:
        """Need next to no room for deleting where there is next to none.

        Its pages are then left as they are instead of being overwritten, which takes as much room in the journal as it
        makes in the file; they go with the end of the file by `compact`.
        """
        with storage_errors(self.path):
            free = filesystem.free_bytes(self.path.parent)
        if free >= filesystem.SCARCE:
            return nullcontext()
        return self.pragma("secure_delete", "OFF", afterwards="ON")

    @contextmanager
    def at_one_moment(self) -> Iterator[sqlite3.Connection]:
        """Give SQLite's connection for a copy. With a log it reads the database of this moment while others write."""
        if self.journal_mode() != "wal":  # one moment would keep every writer waiting
            yield self.files.sqlite
            return
        self.run("BEGIN")
        try:
            self.run("SELECT only_row FROM control")
            yield self.files.sqlite
        finally:
            self.run("ROLLBACK")

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Give SQLite's connection, and keep everybody from writing meanwhile."""
        self.look()
        with self.files.turn(), storage_errors(self.path):
            yield self.files.sqlite

    @contextmanager
    def _outermost(self, durable: bool) -> Iterator[None]:
        self.glance()
        try:
            with nullcontext() if durable else self.journal.relaxed():
                self.promised = 0
                with self.locked():
                    yield
        except StorageUnavailable:
            self.journal.failed()
            raise
        finally:
            changed, self._changed = self._changed, set()
            written, self._written = self._written - changed, set()
        if changed:
            self.files.sender.changed(changed)
        if written:
            self.files.sender.written(written)
        self.journal.committed()

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self.files.refuse_given_up()
        self.run("SAVEPOINT verb")
        try:
            yield
        except BaseException:
            if self.files.sqlite.in_transaction:
                self.run("ROLLBACK TO verb")
                self.run("RELEASE verb")
            raise
        self.run("RELEASE verb")

    @contextmanager
    def _unmarked(self) -> Iterator[None]:
        self.files.refuse_given_up()
        sqlite = self.files.sqlite
        before = sqlite.total_changes
        try:
            yield
        except BaseException:
            # It was to raise before it wrote: half a verb must not be committed, and cannot be undone alone.
            if sqlite.in_transaction and sqlite.total_changes != before:
                self.files.execute("ROLLBACK")
            raise
