"""All that one thread has open of the queue's database: SQLite's connection, our locks, the socket for notes."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from promptqueue.errors import StorageUnavailable
from promptqueue.machine.threads import NativeThreads
from promptqueue.sqlite.file import place, schema
from promptqueue.sqlite.file.age import Age, is_older
from promptqueue.sqlite.file.engine import journal_mode, sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.place import Loss, Place
from promptqueue.sqlite.host import filesystem, usage
from promptqueue.sqlite.host.datagrams import DatagramSender
from promptqueue.sqlite.host.filesystem import NOTHING, identity
from promptqueue.sqlite.host.turnstile import Turnstile

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

log = logging.getLogger(__name__)


class OpenFiles:
    """Opened and closed together. Open them after a fork: neither SQLite's locks nor ours survive one."""

    def __init__(
        self, path: Path, *, wanted_journal: str, lock_timeout: float, threads: NativeThreads, create: bool
    ) -> None:
        """Open the file at `path`, or make it if it may be made, and migrate it. Raises StorageUnavailable."""
        self.path = path
        self.lock_timeout = lock_timeout
        # What was opened is closed if a later step fails: whoever tries again each second must not run out of files.
        with storage_errors(path), ExitStack() as opened:
            if create:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not path.exists():
                raise Loss.MISSING.error(path)
            filesystem.refuse_network(path.parent)
            opened.enter_context(usage.shared(path.parent))
            self._turnstile = Turnstile(path.parent, threads)
            opened.callback(self._turnstile.close)
            self.sender = DatagramSender(path.parent / "wake")
            opened.callback(self.sender.close)
            if create:
                _make(path)
            place.set_foreign_log_aside(path)
            database = identity(str(path))
            self.sqlite = connect(path, lock_timeout)
            opened.callback(self.sqlite.close)
            self.page_size = self._prepare(wanted_journal)
            self.journal_at_opening = self.journal_mode()
            self._place: Place | None = Place.of(path, with_log=self.journal_at_opening == "wal")
            self._age = Age(database)
            if self._place.database != database:
                raise Loss.REPLACED.error(path)
            if is_older(database):
                raise Loss.OVERWRITTEN.error(path)
            opened.enter_context(self._place.in_use())
            self._opened = opened.pop_all()

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """Run a statement, wherever the files are by now; the rows that it gives."""
        with storage_errors(self.path):
            return self.sqlite.execute(statement, values or {}).fetchall()

    def journal_mode(self) -> str:
        """Read the journal mode; another process may have changed it."""
        self.execute("PRAGMA user_version")  # a connection notices another mode when it reads
        return str(self.execute("PRAGMA journal_mode")[0][0])

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this process's turn to write, and have it."""
        with storage_errors(self.path):
            self._turnstile.enter(self.lock_timeout)
        try:
            yield
        finally:
            self._turnstile.leave()

    @contextmanager
    def committing(self, check: Callable[[], None]) -> Iterator[None]:
        """Commit the transaction that has begun after `check`; roll it back where anything raises."""
        try:
            yield
            check()
            self.execute("COMMIT")
        finally:
            if self.sqlite.in_transaction:
                self.execute("ROLLBACK")

    def refuse_given_up(self) -> None:
        """Raise StorageUnavailable where the transaction is not open any more."""
        if not self.sqlite.in_transaction:  # a full disk, say, ends the whole transaction, not the statement alone
            message = "The transaction was given up because of an earlier error."
            raise StorageUnavailable(message)

    def loss(self, *, closely: bool) -> Loss | None:
        """Return what became of the files, None while they are there; look `closely` with the lock for writing."""
        with storage_errors(self.path):
            if closely:
                self._age.look()
            return self._place.loss() if self._place else None

    def close(self, loss: Loss | None = None) -> None:
        """Close everything; after a `loss`, once all that was accepted is in the database."""
        left, self._place = self._place, None
        try:
            if left and loss and left.log != NOTHING:
                self._save_log(left, loss)
        except StorageUnavailable as unavailable:
            log.warning("log not saved path=%s reason=%s", self.path, unavailable)
        finally:
            self._opened.close()  # whatever was raised: what stays open would keep others from opening

    def _save_log(self, left: Place, loss: Loss) -> None:
        with self.turn(), storage_errors(self.path):
            # Once another log has been begun, what the lost one holds would undo what was written since.
            if loss is not Loss.OVERWRITTEN and not left.has_another_log():
                [moved] = self.execute("PRAGMA wal_checkpoint(FULL)")
                if not moved["busy"]:
                    left.clear_log()

    def _prepare(self, wanted_journal: str) -> int:
        """Set up the connection and migrate the database; the size of a page in bytes."""
        for pragma in PRAGMAS:
            self.execute(f"PRAGMA {pragma}")
        if not self.execute("PRAGMA page_count")[0][0]:  # a file made without it stays so until it is rewritten
            self.execute("PRAGMA auto_vacuum = INCREMENTAL")
        tables = {row["name"] for row in self.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if tables and "prompts" not in tables:
            message = f"{self.path} is the database of another program: let DATABASE_URL name the queue's own."
            raise StorageUnavailable(message)
        if wanted_journal == "keep":
            wanted_journal = "wal" if self.journal_mode() == "wal" else "persist"
        self._choose_journal(journal_mode(wanted_journal))
        self._migrate()
        return int(self.execute("PRAGMA page_size")[0][0])

    def _choose_journal(self, wanted: str) -> None:
        # To or from a log it changes for everybody, and cannot while another process has the log open; else it is this
        # connection's own affair, for which whoever only reads must not wait until the writers are done.
        now = self.journal_mode()
        concerns_all = wanted != now and "wal" in (wanted, now)
        with self.turn() if concerns_all else nullcontext(), suppress(sqlite3.OperationalError):
            self.sqlite.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        if (mode := self.journal_mode()) != wanted:
            log.warning("journal mode stays journal_mode=%s wanted=%s reason=in_use", mode, wanted)

    def _migrate(self) -> None:
        migrations = schema.migrations()
        if self._version() == len(migrations):
            return
        # Read inside the lock: of processes that start together exactly one migrates, and the others find it done.
        with self.turn():
            self.execute("BEGIN IMMEDIATE")
            with self.committing(self.refuse_given_up):
                version = self._version()
                if version > len(migrations):
                    message = (
                        f"The queue's database {self.path} has schema {version}, and this program knows "
                        f"{len(migrations)}: it was written by a newer version, so start that one, or restore a backup."
                    )
                    raise StorageUnavailable(message)
                for number, statements in enumerate(migrations[version:], start=version + 1):
                    for statement in statements:
                        self.execute(statement)
                    self.execute(f"PRAGMA user_version = {number}")
                    log.info("database migrated schema=%d", number)

    def _version(self) -> int:
        return int(self.execute("PRAGMA user_version")[0][0])


def connect(path: Path, lock_timeout: float) -> sqlite3.Connection:
    """Open SQLite's connection to the file at `path`, which exists."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=lock_timeout, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.row_factory = sqlite3.Row
    # SQLite stores any bytes as text, and a damaged row must not keep others from being read.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection


def _make(path: Path) -> None:
    """Make an empty database; SQLite makes its journals with the same mode. Raises OSError beside a log without one."""
    log_file = path.with_name(f"{path.name}-wal")
    if not path.exists() and log_file.exists() and log_file.stat().st_size:
        # SQLite would empty the log for the sake of an empty database, and with it what was accepted last.
        message = f"it is not there, but its log {log_file.name} is: put it back, or move the log away as well"
        raise OSError(message)
    filesystem.make_file(path)
