"""A queue in a file, as it is read in a migration."""

from collections.abc import Iterator
from pathlib import Path

from promptqueue.errors import QueueInUse, StorageUnavailable
from promptqueue.migration.sides import selection
from promptqueue.migration.tables import Row, Table
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import is_locked, storage_errors
from promptqueue.sqlite.file.open_files import connect

SELECTS = {
    "prompts": """
        SELECT prompts.seq, id, owner, priority = 'batch' AS lane, bytes, created_at, queued_at, expires_at,
               timeout_seconds, metadata, request, face, echo,
               CASE status WHEN 'processing' THEN 'queued' ELSE status END AS status, outcome, attempt, failures,
               CASE status WHEN 'completed' THEN tokens END AS tokens,
               CASE status WHEN 'completed' THEN started_at END AS started_at,
               completed_at, error_code, error_message, last_error,
               CASE status WHEN 'completed' THEN 0 ELSE bad_ends END AS bad_ends,
               CASE status WHEN 'completed' THEN ran_seconds END AS ran_seconds,
               server, erased_at IS NOT NULL AS is_erased, answer
        FROM prompts LEFT JOIN requests USING (seq) LEFT JOIN answers USING (seq) LEFT JOIN origins USING (seq)
    """,
    "partials": "SELECT seq, attempt, offset AS at, length AS chars, text FROM partials",
    "lanes": """
        SELECT priority = 'batch' AS lane, share, price, start, now,
               (SELECT moves FROM counters WHERE status = 'queued' AND counters.priority = lanes.priority)
               + (SELECT count(*) FROM prompts WHERE status = 'processing' AND prompts.priority = lanes.priority)
               AS moves
        FROM lanes
    """,
    # Who runs joins the line again, and with the first of them an owner comes to wait.
    "turns": """
        SELECT priority = 'batch' AS lane, owner,
               CASE WHEN first IS NULL THEN start
               ELSE max(start, (SELECT now FROM lanes WHERE lanes.priority = turns.priority)) END AS start,
               coalesce(first, since) AS since, price
        FROM (SELECT *, CASE waiting WHEN 0 THEN (
                  SELECT min(seq) FROM prompts
                  WHERE status = 'processing' AND prompts.priority = turns.priority AND prompts.owner = turns.owner
              ) END AS first FROM turns) AS turns
    """,
    "control": """
        SELECT 1 AS only_row, paused, keys_version, CASE WHEN secret IS NOT NULL THEN lower(hex(secret)) END AS secret,
               (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'prompts') AS last_number
        FROM control
    """,
}
"""Where a table is not simply what it is called."""


class SQLiteSide:
    """Keeps the contract of `promptqueue.migration.sides.Side`, by a connection beside which nobody writes."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`. Raises QueueInUse while a program like sqlite3's shell writes there."""
        self._path = path
        with storage_errors(path):
            self._sqlite = connect(path, 0.0)
            self._sqlite.row_factory = None
        try:
            with storage_errors(path):
                self._sqlite.execute("BEGIN IMMEDIATE")
        except StorageUnavailable as error:
            self._sqlite.close()
            if isinstance(error.__cause__, Exception) and is_locked(error.__cause__):
                raise QueueInUse from error
            raise

    def close(self) -> None:
        self._sqlite.close()

    def count(self, table: Table) -> int:
        return count(self._sqlite, table)

    def rows(self, table: Table, after: Row | None = None) -> Iterator[Row]:
        with storage_errors(self._path):
            yield from rows(self._sqlite, table, after)


def count(sqlite: sqlite3.Connection, table: Table) -> int:
    """Count the rows of a table."""
    [(number,)] = sqlite.execute(f"SELECT count(*) FROM {table.name}")
    return int(number)


def rows(sqlite: sqlite3.Connection, table: Table, after: Row | None = None) -> Iterator[Row]:
    """Read a table in the order of its keys."""
    select = SELECTS.get(table.name) or f"SELECT {', '.join(table.columns)} FROM {table.name}"
    marks = None if after is None else ("?",) * table.key
    found = sqlite.execute(selection(select, table.columns[: table.key], marks), after or ())
    yield from map(_measured, found) if table.name == "partials" else found


def _measured(row: Row) -> Row:
    """Give a partial text with its length, which an older version left out."""
    seq, attempt, at, chars, text = row
    return seq, attempt, at, len(str(text)) if chars is None else chars, text
