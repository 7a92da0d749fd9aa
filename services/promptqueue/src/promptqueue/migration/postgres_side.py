"""A queue in PostgreSQL, as it is read in a migration."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from promptqueue.errors import QueueInUse
from promptqueue.migration.sides import selection
from promptqueue.migration.tables import Row, Table
from promptqueue.postgres.server import locks
from promptqueue.postgres.server.address import Address
from promptqueue.postgres.server.database import Database
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import Session, Sessions, let_go
from promptqueue.postgres.server.telling import Teller
from promptqueue.postgres.storage import refuse_pooled
from promptqueue.postgres.verbs.whole.folding import fold
from promptqueue.stored import text_of_stored

SET_UP = """
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET enable_sort = off; SET enable_bitmapscan = off
"""
"""A table is read as long as it takes, and by its index: its first row must not wait until all of them are sorted."""

PATIENCE = 2.0  # seconds until the server has noticed that a program is gone which has just ended

SELECTS = {
    "prompts": """
        SELECT prompts.seq, prompts.id::text AS id, prompts.owner, prompts.lane,
               prompts.bytes + coalesce(ended.bytes, 0) AS bytes, created_at, queued_at, prompts.expires_at,
               prompts.timeout_seconds, metadata, request, face, echo,
               CASE WHEN ended.seq IS NULL THEN 'queued' ELSE 'completed' END AS status, outcome,
               coalesce(ended.attempt, line.attempt) AS attempt, coalesce(ended.failures, line.failures) AS failures,
               ended.tokens, ended.started_at, completed_at, error_code, error_message,
               coalesce(ended.last_error, line.last_error) AS last_error, coalesce(bad_ends, 0) AS bad_ends,
               ran_seconds, coalesce(ended.server, line.server) AS server,
               coalesce(is_erased, false)::integer AS is_erased, answer
        FROM prompts LEFT JOIN line USING (seq) LEFT JOIN ended USING (seq)
    """,
    "idempotency_keys": "SELECT key, fingerprint, prompt_id::text AS prompt_id, created_at FROM idempotency_keys",
    # Whoever runs joins the line again, and with the first of them an owner comes to wait.
    "lanes": """
        SELECT lane, share, price, start, now,
               (SELECT coalesce(sum(moves), 0)::bigint FROM counted WHERE counted.lane = lanes.lane)
               + (SELECT count(*) FROM line WHERE status = 'processing' AND line.lane = lanes.lane) AS moves
        FROM lanes
    """,
    "turns": """
        SELECT lane, owner,
               CASE WHEN first IS NULL THEN start
               ELSE greatest(start, (SELECT now FROM lanes WHERE lanes.lane = turns.lane)) END AS start,
               coalesce(first, since) AS since, price
        FROM (SELECT *, CASE (
                  SELECT count(*) FROM line
                  WHERE status = 'queued' AND line.lane = turns.lane AND line.owner = turns.owner
              ) WHEN 0 THEN (
                  SELECT min(seq) FROM line
                  WHERE status = 'processing' AND line.lane = turns.lane AND line.owner = turns.owner
              ) END AS first FROM turns) AS turns
    """,
    "control": """
        SELECT 1 AS only_row, paused::integer AS paused, keys_version, encode(secret, 'hex') AS secret,
               (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM prompts_seq_seq) AS last_number
        FROM control
    """,
}
"""Where a table is not simply what it is called."""

AS_JSON = {
    "prompts": ("error_message", "last_error"),
    "partials": ("text",),
    "models": ("detail",),
}
"""Columns of texts that may hold U+0000, which are stored as JSON strings."""

BY_BYTES = ("digest", "key", "day", "outcome", "what", "boot", "worker", "server")
"""Keys that are texts: they are to be in the order in which SQLite has them, whatever the database's language."""


class PostgresSide:
    """Keeps the contract of `promptqueue.migration.sides.Side`, by a session beside which nobody has it open."""

    def __init__(self, address: Address) -> None:
        """Raises QueueInUse while anybody has the queue open, and StorageUnavailable."""
        self._session = alone(address)
        try:
            self._prepare(address)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        let_go(self._session)

    def count(self, table: Table) -> int:
        with storage_errors():
            [found] = self._session.execute(f"SELECT count(*) AS number FROM {table.name}").fetchall()
        return int(found["number"])

    def rows(self, table: Table, after: Row | None = None) -> Iterator[Row]:
        select = SELECTS.get(table.name) or f"SELECT {', '.join(table.columns)} FROM {table.name}"
        keys = table.columns[: table.key]
        marks = None if after is None else ("%s",) * table.key
        statement = selection(select, tuple(f'{key} COLLATE "C"' if key in BY_BYTES else key for key in keys), marks)
        as_json = AS_JSON.get(table.name, ())
        with storage_errors(), self._session.cursor() as cursor:
            for found in cursor.stream(statement, after, binary=True):
                yield tuple((_decoded(found, as_json) if as_json else found).values())

    def _prepare(self, address: Address) -> None:
        """Do what has to be done before anything is read."""


class PostgresSource(PostgresSide):
    """The same as the side that is left behind: what verbs have left to be counted is counted first."""

    def _prepare(self, address: Address) -> None:
        sessions = Sessions(address)
        with closing(sessions):
            database = Database(sessions, Teller(sessions))
            with database.transaction():
                database.run("SELECT line_book()")
            fold(database, many=1)


def _decoded(found: dict[str, Any], as_json: tuple[str, ...]) -> dict[str, Any]:
    for name in as_json:
        if found[name] is not None:
            found[name] = text_of_stored(found[name])
    return found


def alone(address: Address) -> Session:
    """Open a session beside which nobody has the queue open. Raises QueueInUse, and StorageUnavailable."""
    sessions = Sessions(address)
    session = sessions.open()
    try:
        with closing(sessions), sessions.borrowed() as other:
            refuse_pooled(session, other)
        with storage_errors():
            session.execute(SET_UP, prepare=False)
        _be_alone(session)
    except BaseException:
        let_go(session)
        raise
    return session


def _be_alone(session: Session) -> None:
    until = time.monotonic() + PATIENCE
    while not _is_alone(session):
        if time.monotonic() > until:
            raise QueueInUse
        time.sleep(0.05)


def _is_alone(session: Session) -> bool:
    with storage_errors():
        [tried] = session.execute(
            "SELECT pg_try_advisory_lock(%s, %s) AS is_alone", [locks.SINGLE, locks.USE]
        ).fetchall()
    return bool(tried["is_alone"])
