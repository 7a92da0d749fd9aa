"""Storage in a database of a PostgreSQL server, for any number of hosts."""

import _thread
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from promptqueue.errors import StorageUnavailable
from promptqueue.machine.clock import Clock
from promptqueue.machine.threads import NativeThreads
from promptqueue.postgres.listening import NotificationListener
from promptqueue.postgres.presence import PresenceLock
from promptqueue.postgres.queue import PostgresPromptQueue
from promptqueue.postgres.server import locks, schema
from promptqueue.postgres.server.address import Address
from promptqueue.postgres.server.database import Database
from promptqueue.postgres.server.description import description
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import Session, Sessions, let_go
from promptqueue.postgres.server.telling import Teller

LOOK_EVERY = 0.01  # seconds


class PostgresStorage:
    """Keeps the contract of `promptqueue.storage.Storage`; `connect` says there what the values mean."""

    reads_wait = False

    def __init__(
        self, address: Address, *, may_make: bool = True, threads: NativeThreads = _thread, clock: Clock | None = None
    ) -> None:
        """Touch nothing yet. Without `may_make` only a queue that exists is opened."""
        self.sessions = Sessions(address, threads)
        self._may_make = may_make
        self._clock = clock
        self._teller = Teller(self.sessions)
        self._opening = threads.allocate_lock()
        self._use: Session | None = None  # holds the lock by which others know that this process has the queue open

    def open(self) -> PostgresPromptQueue:
        self._be_open()
        return PostgresPromptQueue(Database(self.sessions, self._teller, clock=self._clock))

    def listen(self, *, texts: bool = True) -> NotificationListener:
        self._be_open()
        return NotificationListener(self.sessions, texts=texts)

    def register(self, *, slots: int) -> PresenceLock:
        self._be_open()
        return PresenceLock(self.sessions, kind="worker", slots=slots)

    def attend(self) -> PresenceLock:
        self._be_open()
        return PresenceLock(self.sessions, kind="holder")

    def tidy(self, *, if_large: bool = False) -> None:
        """Nothing is kept beside the data: the server does that by itself."""

    def describe(self) -> Mapping[str, str]:
        with self.sessions.borrowed() as session:
            return description(session)

    def close(self) -> None:
        self._teller.close()
        self.sessions.close()
        if self._use:
            let_go(self._use)

    def _be_open(self) -> None:
        """Have the schema be there, once a process, and count among those who use it."""
        with self._alone():
            if self._use and self._use.is_sound:
                return
            session = self.sessions.open()
            try:
                with self.sessions.borrowed() as other:
                    refuse_pooled(session, other)
                schema.migrate(session, may_make=self._may_make)
                schema.refuse_unfinished(session)
                with storage_errors():
                    session.execute("SELECT pg_advisory_lock_shared(%s, %s)", [locks.SINGLE, locks.USE])
                schema.refuse_unfinished(session)  # which a migration that was waited for may have left
            except BaseException:
                let_go(session)
                raise
            self._use = session

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Native threads open, and greenlets of one thread: who waited in the lock would keep who has it from going on.
        while not self._opening.acquire(blocking=False):
            time.sleep(LOOK_EVERY)
        try:
            yield
        finally:
            self._opening.release()


def refuse_pooled(one: Session, other: Session) -> None:
    """Refuse a pooler that lends a connection for a transaction: locks and notifications would get lost there."""
    with storage_errors():
        backends = [session.execute("SELECT pg_backend_pid() AS pid").fetchone() for session in (one, other)]
    if backends[0] == backends[1]:
        message = (
            "DATABASE_URL leads to a pooler that lends connections for single transactions, such as PgBouncer with "
            "pool_mode = transaction: let it lend them for sessions, or name the server itself."
        )
        raise StorageUnavailable(message)
