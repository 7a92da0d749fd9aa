"""One connection to the queue's database: how it is opened, how it takes turns, and where its files are."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file import place, schema
from promptqueue.sqlite.file.age import Age, is_older
from promptqueue.sqlite.file.engine import journal_mode, sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.place import Loss, Place
from promptqueue.sqlite.host import filesystem
from promptqueue.sqlite.host.datagrams import Wakeup
from promptqueue.sqlite.host.turnstile import Turnstile
from promptqueue.sqlite.host.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

WAL_LIMIT = 64 * 1024 * 1024  # bytes that the journal file keeps after it was emptied

PRAGMAS = (
    "synchronous = FULL",
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "temp_store = MEMORY",
    # Deleted means gone: SQLite otherwise leaves a deleted row's bytes in the file until it needs the room. It must
    # hold for every statement, because the text of a prompt is deleted or moved to another page long before the prompt.
    "secure_delete = ON",
    f"journal_size_limit = {WAL_LIMIT}",
)

TEXT = partial(str, encoding="utf-8", errors="replace")
"""How text is read. SQLite keeps any bytes as text, and one damaged row must not keep others from being read."""

LOOK_EVERY = 0.05
"""Seconds for which reads trust that the files are where they were: to look takes longer than to read a row."""

log = logging.getLogger(__name__)


class Connection:
    """A connection of one thread. Open it after a fork: neither SQLite's locks nor ours survive one."""

    def __init__(self, path: Path, *, wanted_journal: str, lock_timeout: float, create: bool = True) -> None:
        """Open the file at `path`, migrate it, and make it if it may be made.

        The journal mode `keep` is the one that the file has. Raises StorageUnavailable, saying what is wrong; later as
        well, when the file is no longer at its path. The use after that opens what is there by then, and makes nothing.
        """
        self.path = path
        self._wanted_journal = wanted_journal
        self._lock_timeout = lock_timeout
        self._place: Place | None = None
        self._loss: Loss | None = None
        self._looked_at = float("-inf")
        self._opened = ExitStack()
        self._open(create=create)

    def _open(self, *, create: bool) -> None:
        path = self.path
        # What was opened is closed if a later step fails: whoever tries again each second must not run out of files.
        with storage_errors(path), ExitStack() as opened:
            if create:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not path.exists():
                raise self._lost(Loss.MISSING)
            filesystem.refuse_network(path.parent)
            opened.callback(Usage(path.parent).close)
            self._turnstile = Turnstile(path.parent)
            opened.callback(self._turnstile.close)
            self.wakeup = Wakeup(path.parent / "wake")
            opened.callback(self.wakeup.close)
            if create:
                _make(path)
            place.make_way(path)
            opening = place.identity(str(path))
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=self._lock_timeout,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            opened.callback(self._connection.close)
            self._connection.row_factory = sqlite3.Row
            self._connection.text_factory = TEXT
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            if not self.pages()[0]:  # a file that was made without is left so, until `compact` rewrites it
                self.run("PRAGMA auto_vacuum = INCREMENTAL")
            self._refuse_foreign()
            wanted = self._wanted_journal
            if wanted == "keep":
                wanted = "wal" if self.journal == "wal" else "persist"
            self._choose_journal(journal_mode(wanted))
            self._migrate()
            self.page_size = int(self.run("PRAGMA page_size")[0][0])
            self.opened_journal = self.journal
            now, self._age = Place.of(path, with_log=self.opened_journal == "wal"), Age(opening)
            if now.database != opening:
                raise self._lost(Loss.REPLACED)
            if is_older(opening):
                raise self._lost(Loss.OVERWRITTEN)
            opened.enter_context(now.in_use())
            self._opened, self._place, self._loss = opened.pop_all(), now, None

    @property
    def journal(self) -> str:
        """The journal mode in use; another process may have changed it since the file was opened."""
        if self._loss:
            self.look()
        self._execute("PRAGMA user_version")  # a connection notices another mode when it reads
        return str(self._execute("PRAGMA journal_mode")[0][0])

    def run(self, statement: str, **values: Any) -> list[sqlite3.Row]:
        """Run a statement, one that writes inside a `transaction`; the rows that it gives."""
        if self._loss or not self._connection.in_transaction:
            self._glance()
        return self._execute(statement, values)

    def pages(self) -> tuple[int, int]:
        """Count the file's pages, with those that this transaction has added, and the unused ones among them."""
        return int(self.run("PRAGMA page_count")[0][0]), int(self.run("PRAGMA freelist_count")[0][0])

    def storage_errors(self) -> AbstractContextManager[None]:
        """Turn what the storage says inside into StorageUnavailable."""
        return storage_errors(self.path)

    def close(self) -> None:
        """Let go of the file, the locks and the socket."""
        if self._loss:
            self._let_go(self._loss)
        self._opened.close()

    def look(self) -> None:
        """Make sure that the files are where they were. Raises StorageUnavailable, once, when they are not."""
        if self._loss:
            self._open_again(self._loss)
        elif self._place:  # else it is being opened
            self._looked_at = time.monotonic()
            with storage_errors(self.path):
                self._loss = self._place.loss()
            if self._loss:
                raise self._lost(self._loss)

    def _glance(self) -> None:
        """Look, unless that was done a moment ago."""
        if self._loss or time.monotonic() - self._looked_at >= LOOK_EVERY:
            self.look()

    def _look_closely(self) -> None:
        """Make sure besides that no older copy was written over the file. It needs the lock for writing."""
        if self._place:
            with storage_errors(self.path):
                self._age.has_gone_back()  # which makes it known to everybody in this process
        self.look()

    def _open_again(self, loss: Loss) -> None:
        """Open what is there now."""
        self._let_go(loss)
        self._loss = None
        try:
            self._open(create=False)
        except BaseException:
            self._loss = loss
            raise
        log.warning("database opened again path=%s reason=%r", self.path, loss.partition(":")[0])

    def _let_go(self, loss: Loss) -> None:
        """Let go of files that are not where they were, once all that was accepted is in the database among them."""
        left, self._place = self._place, None
        try:
            if left and left.log != place.NOTHING:
                with self._turn(), storage_errors(self.path):
                    # Once another log has been begun, what the lost one holds would undo what was written since.
                    if loss is not Loss.OVERWRITTEN and not left.has_another_log():
                        [moved] = self._execute("PRAGMA wal_checkpoint(FULL)")
                        if not moved["busy"]:
                            left.clear_log()
        except StorageUnavailable as unavailable:
            log.warning("log not saved path=%s reason=%s", self.path, unavailable)
        finally:
            self._opened.close()  # whatever it fails with: what is left open would keep others from opening

    def _lost(self, loss: Loss) -> StorageUnavailable:
        return StorageUnavailable(f"The queue's database {self.path} {loss}.")

    def _execute(self, statement: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        with storage_errors(self.path):
            return self._connection.execute(statement, values or {}).fetchall()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn():
            try:
                self._execute("BEGIN IMMEDIATE")
            except StorageUnavailable:
                self.look()  # SQLite calls a file that was moved read-only
                raise
            try:
                yield
                self._refuse_given_up()
                self._look_closely()
                self._execute("COMMIT")
                self.look()  # while the disk was waited for
            finally:
                if self._connection.in_transaction:
                    self._execute("ROLLBACK")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with storage_errors(self.path):
            self._turnstile.enter(self._lock_timeout)
        try:
            yield
        finally:
            self._turnstile.leave()

    def _refuse_given_up(self) -> None:
        if not self._connection.in_transaction:  # a full disk, say, ends the whole transaction, not the statement alone
            message = "The transaction was given up because of an earlier error."
            raise StorageUnavailable(message)

    def _refuse_foreign(self) -> None:
        tables = {row["name"] for row in self.run("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if tables and "prompts" not in tables:
            message = f"{self.path} is the database of another program: let DATABASE_URL name the queue's own."
            raise StorageUnavailable(message)

    def _choose_journal(self, wanted: str) -> None:
        # To or from a log it changes for everybody, and cannot while another process has the log open; else it is this
        # connection's own affair, for which whoever only reads must not wait until the writers are done.
        now = self.journal
        concerns_all = wanted != now and "wal" in (wanted, now)
        with self._turn() if concerns_all else nullcontext(), suppress(sqlite3.OperationalError):
            self._connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        if self.journal != wanted:
            log.warning("journal mode stays journal_mode=%s wanted=%s reason=in_use", self.journal, wanted)

    def _migrate(self) -> None:
        migrations = schema.migrations()
        if int(self.run("PRAGMA user_version")[0][0]) == len(migrations):
            return
        # Read inside the lock: of processes that start together exactly one migrates, and the others find it done.
        with self._locked():
            version = int(self.run("PRAGMA user_version")[0][0])
            if version > len(migrations):
                message = (
                    f"The queue's database {self.path} has schema {version}, and this program knows {len(migrations)}: "
                    "it was written by a newer version, so start that one, or restore a backup."
                )
                raise StorageUnavailable(message)
            for number, statements in enumerate(migrations[version:], start=version + 1):
                for statement in statements:
                    self.run(statement)
                self.run(f"PRAGMA user_version = {number}")
                log.info("database migrated schema=%d", number)


def _make(path: Path) -> None:
    """Make an empty database; SQLite makes its journals with the same mode. Raises OSError beside a log without one."""
    log_file = path.with_name(f"{path.name}-wal")
    if not path.exists() and log_file.exists() and log_file.stat().st_size:
        # SQLite would empty the log for the sake of an empty database, and with it what was accepted last.
        message = f"it is not there, but its log {log_file.name} is: put it back, or move the log away as well"
        raise OSError(message)
    filesystem.make_file(path)
