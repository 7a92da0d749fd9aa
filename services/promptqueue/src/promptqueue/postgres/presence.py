"""Presence: a process is there while its session holds a lock, which the server frees when the process dies."""

import uuid
from contextlib import AbstractContextManager, suppress

import psycopg

from promptqueue.errors import StorageUnavailable
from promptqueue.postgres.server import locks
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import PATIENCE, Session, Sessions, let_go

MOST_SLOTS = 1_000  # of one server: the lock of a slot is the server's number and its own

AWAITED = """
    SELECT FROM line JOIN presences ON presences.id = line.worker
    WHERE line.status = 'processing' AND era <> era() AND NOT has_left LIMIT 1
"""
"""Workers with a prompt in hand that have not come back since PostgreSQL was away: no lock shows which slots they use,
but a model server answers them."""


class PresenceLock(AbstractContextManager["PresenceLock"]):
    """This process's entry among workers or holders: `id` names it in every claim, or hold."""

    def __init__(self, sessions: Sessions, *, kind: str, slots: int = 0) -> None:
        """Enter. Raises StorageUnavailable."""
        self.id = str(uuid.uuid4())
        self._sessions = sessions
        self._kind = kind
        self._size = slots
        self._number: int | None = None
        self._taken: set[tuple[str, int]] = set()
        self._session = self._enter()

    def stay(self) -> None:
        try:
            with storage_errors():
                self._session.execute("SELECT 1")
        except StorageUnavailable:
            self._come_back()

    def slots(self) -> set[tuple[str, int]]:
        """Say which slots of which servers are held."""
        return set(self._taken)

    def take_slot(self, server: str, *, below: int) -> int | None:
        with storage_errors():
            number = self._server(server)
            if self._session.execute(AWAITED).fetchall():
                return None
            for slot in range(min(below, MOST_SLOTS)):
                if (server, slot) not in self._taken and self._try(number, slot):
                    self._taken.add((server, slot))
                    self._tell_slots()
                    return slot
        return None

    def give_slot_back(self, server: str, slot: int) -> None:
        if (server, slot) not in self._taken:
            return
        self._taken.discard((server, slot))
        with storage_errors():
            name = self._server(server) * MOST_SLOTS + slot
            self._session.execute("SELECT pg_advisory_unlock(%s, %s)", [locks.SLOT, name])
            self._tell_slots()

    def leave(self) -> None:
        with suppress(psycopg.Error):
            self._session.execute("UPDATE presences SET has_left = true WHERE id = %s", [self.id])
            self._session.execute("SELECT pg_advisory_unlock_all()")  # the server sees a closed session a moment later
        self._taken.clear()
        let_go(self._session)

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _enter(self) -> Session:
        session = self._sessions.open()
        session.patience = PATIENCE
        try:
            with storage_errors():  # whoever loses what is written here has lost the session too, and enters again
                session.execute("SET synchronous_commit = off")
            # The lock before the row is seen: one without a lock means that its process died.
            with storage_errors(), session.transaction():
                [entered] = session.execute(
                    """
                    INSERT INTO presences (id, number, kind, slots)
                    VALUES (%(id)s, coalesce(%(number)s, nextval(pg_get_serial_sequence('presences', 'number'))),
                            %(kind)s, %(slots)s)
                    ON CONFLICT (id) DO UPDATE SET slots = excluded.slots, has_left = false
                    RETURNING number
                    """,
                    {"id": self.id, "number": self._number, "kind": self._kind, "slots": self._size},
                ).fetchall()
                self._number = entered["number"]
                session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.PRESENCE, self._number])
        except BaseException:
            let_go(session)
            raise
        return session

    def _come_back(self) -> None:
        """Enter again by the old name: the server was away, or the way to it was."""
        let_go(self._session)
        self._session = self._enter()
        taken, self._taken = self._taken, set()
        with storage_errors():
            self._taken = {(server, slot) for server, slot in taken if self._try(self._server(server), slot)}
            self._tell_slots()

    def _tell_slots(self) -> None:
        self._session.execute(
            "UPDATE presences SET slots = %s, era = era() WHERE id = %s", [self._size + len(self._taken), self.id]
        )

    def _server(self, server: str) -> int:
        number = "SELECT number FROM servers WHERE address = %s"
        found = self._session.execute(number, [server]).fetchall()
        if not found:  # looked up before: an INSERT takes a number each time, also where it changes nothing
            self._session.execute("INSERT INTO servers (address) VALUES (%s) ON CONFLICT DO NOTHING", [server])
            found = self._session.execute(number, [server]).fetchall()
        return int(found[0]["number"])

    def _try(self, server: int, slot: int) -> bool:
        [tried] = self._session.execute(
            "SELECT pg_try_advisory_lock(%s, %s) AS got", [locks.SLOT, server * MOST_SLOTS + slot]
        ).fetchall()
        return bool(tried["got"])
