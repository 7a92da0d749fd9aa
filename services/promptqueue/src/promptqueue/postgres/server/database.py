"""The queue's database as its verbs use it: what shares a commit, and who hears of it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import DictRow

from promptqueue.errors import Collided, CommitUnknown, StorageUnavailable
from promptqueue.machine.clock import Clock
from promptqueue.notes import Text
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import Session, Sessions
from promptqueue.postgres.server.telling import Teller

Row = DictRow

HALF_WAY = "The transaction was given up: a part of it failed half-way."

BEGIN = "BEGIN"
BEGIN_RELAXED = "BEGIN; SET LOCAL synchronous_commit = off"
WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|line_claim)\b(?!\s+SKIP)")


class Database:
    """Runs the statements of one thread. It holds a session only while it has something to do."""

    def __init__(self, sessions: Sessions, teller: Teller, *, clock: Clock | None = None) -> None:
        """Open nothing yet. A `clock` that is handed in, by a test, stands in the place of the server's."""
        self._sessions = sessions
        self._teller = teller
        self._clock = clock
        self._session: Session | None = None  # of the transaction that is going on
        self._has_written = False
        self._given_up: StorageUnavailable | None = None  # why the transaction cannot be committed any more
        self._changed: set[str | None] = set()
        self._written: set[str] = set()
        self._kept: object | None = None
        self._due: Callable[[], None] | None = None  # what was put off
        self._undo: Callable[[], None] | None = None
        self._undone: list[Callable[[], None]] = []

    @property
    def is_in_transaction(self) -> bool:
        """Whether what is run now shares a commit."""
        return self._session is not None

    @property
    def kept(self) -> object | None:
        """What was read in this transaction and kept for the rest of it; it is lost by whatever writes."""
        return self._kept

    def keep(self, found: object) -> None:
        """Keep what was read in this transaction, if it is one."""
        self._kept = found if self._session else None

    def defer(self, write: Callable[[], None], *, undo: Callable[[], None]) -> None:
        """Write later, but before anything else of this transaction is run; or `undo` it, should that be undone."""
        self._due, self._undo, self._has_written = write, undo, True

    def at_end(self, *, undone: Callable[[], None]) -> None:
        """Call this should the transaction, if there is one, fail, or nobody know whether it has."""
        if self._session:
            self._undone.append(undone)

    @property
    def machine(self) -> Clock:
        """This machine's own clocks, beside which the server's is held."""
        return self._clock or Clock()

    def run(self, statement: str, **values: Any) -> list[Row]:
        """Run a statement, by itself a commit of its own; the rows that it gives."""
        self._write_due()
        found = self.look(statement, **values)
        if self._session and _writes(statement):
            self._has_written, self._kept = True, None
        return found

    def look(self, statement: str, **values: Any) -> list[Row]:
        """Run a statement that need not see what was put off."""
        if not self._session:
            return self._alone(statement, values)
        self._refuse_given_up()
        try:
            return self._execute(self._session, statement, values)
        except StorageUnavailable as unavailable:
            self._given_up = unavailable  # all others of this transaction hear why
            raise

    def run_relaxed(self, statement: str, **values: Any) -> list[Row]:
        """Run a statement of which a power cut may take back what it did."""
        with self.transaction(durable=False):
            return self.run(statement, **values)

    def changed(self, prompt_id: str | None) -> None:
        """Let all who wait hear of this prompt, or of any when it is None, once the transaction has committed."""
        self._changed.add(prompt_id)
        self._tell()

    def written(self, prompt_id: str) -> None:
        """Let whoever reads this prompt's text hear that there is more, once the transaction has committed."""
        self._written.add(prompt_id)
        self._tell()

    def stream(self, text: Text) -> None:
        """Let whoever listens hear live text, which is stored later."""
        self._teller.stream(text)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """Commit what happens inside, all or nothing; on the disk before it returns, unless it need not be `durable`.

        Inside another transaction it shares the outer one's commit. What raises there must raise before it writes: then
        there is nothing to undo, and no savepoint is needed, which would take two more ways to the server and back.
        What raises later takes the whole transaction with it.
        """
        if self._session:
            with self._shared():
                yield
            return
        with self._sessions.borrowed() as session, self._outermost(session, durable=durable):
            yield
        self._tell()

    @contextmanager
    def block(self, *, durable: bool = True) -> Iterator[None]:
        """Commit what happens inside together, as `transaction` does; within another one it can be undone alone."""
        if not self._session:
            with self.transaction(durable=durable):
                yield
            return
        told, given_up = (set(self._changed), set(self._written)), self._given_up
        self.run("SAVEPOINT block")
        try:
            yield
        except BaseException:
            self._forget()
            with storage_errors():
                self._session.execute("ROLLBACK TO block", prepare=False)
            (self._changed, self._written), self._given_up = told, given_up
            raise
        self.run("RELEASE block")

    def close(self) -> None:
        """Nothing is held between two verbs."""

    @contextmanager
    def _shared(self) -> Iterator[None]:
        before, self._has_written = self._has_written, False
        try:
            yield
        except BaseException:
            if self._has_written and not self._given_up:
                self._given_up = StorageUnavailable(HALF_WAY)
            raise
        finally:
            self._has_written = self._has_written or before

    @contextmanager
    def _outermost(self, session: Session, *, durable: bool) -> Iterator[None]:
        _begin(session, BEGIN if durable else BEGIN_RELAXED)
        self._session, self._has_written, self._given_up = session, False, None
        try:
            yield
            self._write_due()
            self._refuse_given_up()
            _commit(session)
        except BaseException:
            self._changed.clear()
            self._written.clear()
            with suppress(psycopg.Error):  # of a session that is broken the server takes everything back by itself
                session.execute("ROLLBACK", prepare=False)
            for undone in self._undone:
                undone()
            raise
        finally:
            self._session = None
            self._undone.clear()
            self._forget()

    def _forget(self) -> None:  # what was true within what is over, or was undone
        undo, self._kept, self._due, self._undo = self._undo, None, None, None
        if undo:
            undo()

    def _write_due(self) -> None:
        due, self._due, self._undo = self._due, None, None
        try:
            if due:
                due()
        except BaseException:  # whoever put it off was told already that it is done
            self._given_up = self._given_up or StorageUnavailable(HALF_WAY)
            raise

    def _refuse_given_up(self) -> None:
        if self._given_up:
            raise type(self._given_up)(str(self._given_up))

    def _alone(self, statement: str, values: dict[str, Any]) -> list[Row]:
        with self._sessions.borrowed() as session:
            try:
                return self._execute(session, statement, values)
            except Collided:
                return self._execute(session, statement, values)
            except StorageUnavailable as unavailable:
                cause = unavailable.__cause__
                if isinstance(cause, psycopg.OperationalError) and session.closed and _writes(statement):
                    raise CommitUnknown from cause
                raise

    def _execute(self, session: Session, statement: str, values: dict[str, Any]) -> list[Row]:
        with storage_errors():
            if self._clock:
                _set(session, self._clock)
            cursor = session.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def _tell(self) -> None:
        """Tell what has been committed; while a transaction goes on that is nothing."""
        if self._session or not (self._changed or self._written):
            return
        changed, self._changed = self._changed, set()
        written, self._written = self._written - changed, set()
        self._teller.tell(changed, written)


def _begin(session: Session, statement: str) -> None:
    with storage_errors():
        session.execute(statement, prepare=False)


def _commit(session: Session) -> None:
    doubts: list[str] = []
    heard = lambda notice: doubts.append(notice.message_primary or "")  # noqa: E731
    session.add_notice_handler(heard)
    # Never cancelled: a cancelled commit has happened here, and says so by a warning alone. Nor given up: each one that
    # waits for a standby keeps a session of the server's.
    session.patience = None
    try:
        done = session.execute("COMMIT", prepare=False).statusmessage
    except psycopg.Error as error:
        raise CommitUnknown from error
    finally:
        session.remove_notice_handler(heard)
    if done != "COMMIT":
        message = "The transaction was rolled back by the server."
        raise StorageUnavailable(message)
    if doubts:
        raise CommitUnknown


@cache
def _writes(statement: str) -> bool:
    return WRITES.search(statement) is not None


def _set(session: Session, clock: Clock) -> None:
    """Let a clock of a test's stand in the place of the server's."""
    session.execute(
        """
        SELECT set_config('promptqueue.wall', %s, false), set_config('promptqueue.lease_time', %s, false),
               set_config('promptqueue.elapsed', %s, false), set_config('promptqueue.boot', %s, false)
        """,
        [repr(clock.wall()), repr(clock.monotonic()), repr(clock.elapsed()), clock.boot],
    )
