"""A session: one connection to the server, set up as the queue wants it, and those of a process that nobody uses."""

import _thread
import importlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import psycopg
from psycopg import pq, waiting
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row

from promptqueue.machine.threads import NativeThreads
from promptqueue.postgres.server.address import Address
from promptqueue.postgres.server.errors import storage_errors

MOST = 8  # sessions that are used at a time, and stay open while nobody does: to open one takes longer than to wait
PATIENCE = 20.0  # seconds: longer than statement_timeout, by which the server itself would have ended a statement
PREPARE_AFTER = 2  # times that a statement is run before the server is to know it by heart

SETTINGS = {
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    # The server learns that we are gone though it is at work for us, and though nobody said so.
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    # The queue reads by its indexes, however little is stored when a statement is prepared. What makes that sure would
    # also make every plan seem dear enough to be compiled, which takes longer than all else.
    "jit": "off",
    "enable_seqscan": "off",
    # And so each statement has one way, whatever it is asked: to look for a better one each time takes as long again.
    "plan_cache_mode": "force_generic_plan",
    # What may be said otherwise of a role, a database or this process's environment.
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",  # each number of seconds as it was stored
    "idle_session_timeout": "0",  # who is there for a long time has nothing to say for a long time
    "standard_conforming_strings": "on",
    "timezone": "UTC",
}
"""By SET, not by the URL's options: PgBouncer refuses those."""

# A commit is on the disk, whatever the server's default is; how many disks, that says.
DURABLE = """
    set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), false)
"""
SET_UP = f"SELECT {', '.join(f'set_config({name!r}, {value!r}, false)' for name, value in SETTINGS.items())}, {DURABLE}"

LIBRARY = f"psycopg {psycopg.__version__}, libpq {pq.version() // 10_000}.{pq.version() % 10_000}"

log = logging.getLogger(__name__)


class Session(psycopg.Connection[DictRow]):
    """A connection that waits for its server in a way that suits whoever uses it."""

    is_home: Callable[[], bool] = staticmethod(lambda: True)
    """Whether this runs on the thread whose greenlets must not be stopped, where there are any."""

    patience: float | None = None
    """Seconds after which a server that stands still, and so ends no statement itself, is taken to be gone."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return self._wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            is_given_up = timeout is None and self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE
            if not is_given_up:
                raise
            self.close()
            message = f"no answer within {self.patience:g} seconds"
            raise psycopg.OperationalError(message) from error

    def _wait(self, gen: PQGen[Any], interval: float, timeout: float | None) -> Any:
        # psycopg chooses a way to wait that gevent has patched, if it has. On a native thread that would start a hub.
        if self.is_home() or waiting.wait_c is None:
            return super().wait(gen, interval, timeout)
        return waiting.wait_c(gen, self.pgconn.socket, interval, timeout)

    @property
    def is_sound(self) -> bool:
        """Whether the server has not hung up, as far as the kernel knows."""
        with suppress(psycopg.Error):
            self.pgconn.consume_input()  # the server's last words, if there are any
            self.pgconn.consume_input()  # and then the end
        return bool(self.pgconn.status == pq.ConnStatus.OK)


class Sessions:
    """Opens sessions, and lends those that nobody uses."""

    def __init__(self, address: Address, threads: NativeThreads = _thread) -> None:
        """Open nothing yet."""
        if threads is not _thread and waiting.wait is waiting.wait_c:
            # psycopg chose its ways to wait before gevent patched what it chooses from, and would stop every greenlet.
            importlib.reload(waiting)
        self._address = address
        self._threads = threads
        self._home = threads.get_ident()
        self._idle: deque[Session] = deque()
        # Greenlets are held to as many by who reads for them: one that waited in here would keep all others waiting.
        self._room: AbstractContextManager[object] = (
            threading.BoundedSemaphore(MOST) if threads is _thread else nullcontext()
        )

    def open(self) -> Session:
        """Open one more, for the caller alone. Raises StorageUnavailable."""
        with storage_errors():
            session = Session.connect(
                self._address.conninfo(),
                autocommit=True,
                prepare_threshold=PREPARE_AFTER,
                row_factory=dict_row,
            )
            session.is_home = self._is_home
            session.execute(SET_UP, prepare=False)
            return session

    def take(self) -> Session:
        """Take one that nobody uses, or open one. Raises StorageUnavailable."""
        while True:
            try:
                session = self._idle.pop()  # one step, which no thread can come between
            except IndexError:
                return self.open()
            if session.is_sound:
                return session
            let_go(session)

    def give_back(self, session: Session) -> None:
        """Let others use it, unless it is broken or in the middle of something."""
        is_idle = session.pgconn.transaction_status == pq.TransactionStatus.IDLE
        if is_idle and len(self._idle) < MOST:
            self._idle.append(session)
        else:
            let_go(session)

    @contextmanager
    def borrowed(self) -> Iterator[Session]:
        """Have one for what happens inside, once there is one. Raises StorageUnavailable."""
        with self._room:
            session = self.take()
            session.patience = PATIENCE
            try:
                yield session
            finally:
                self.give_back(session)

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            let_go(self._idle.pop())

    def _is_home(self) -> bool:
        return self._threads.get_ident() == self._home


def let_go(session: Session) -> None:
    """Close a session, whatever became of its server."""
    try:
        session.close()
    except psycopg.Error:
        log.debug("session not closed", exc_info=True)
