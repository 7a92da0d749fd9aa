"""Queues that already hold many prompts, written in a few seconds instead of being submitted for an hour."""

from __future__ import annotations

import os
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.owners.key import Role, new_key
from promptqueue.sqlite.file.engine import sqlite3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promptqueue import PromptQueue

EMPTY, MILLION = 0, 1_000_000
SHARE = 10
"""One in so many is older than RETENTION_DAYS; as many again wait in line."""

DAY = 24 * 3600.0
RETENTION = 30 * DAY

# What enqueue, claim and finish leave behind, row by row; `tests/test_stored.py` holds it to the real ones.
COMPLETED = """
    INSERT INTO prompts (id, priority, status, outcome, attempt, tokens, created_at, started_at, completed_at,
                         boot, claimed_at, ran_seconds, max_failures, bytes)
    SELECT new_id(), 'interactive', 'completed', 'succeeded', 1, 20, moment - 2, moment - 1, moment,
           :boot, value, 1.0, 3, :asked + :answered
    FROM (SELECT value, :oldest + (:newest - :oldest) * value / :number AS moment FROM generate)
"""
WAITING = """
    INSERT INTO prompts (id, priority, status, created_at, bytes, owner)
    SELECT new_id(), 'interactive', 'queued', :newest + value * 0.001, :asked,
           CASE :owners WHEN 1 THEN 0 ELSE 2 + value % :owners END
    FROM generate
"""
COUNTING = ("count_new", "bytes_stored")
"""Triggers that count what is inserted."""

GENERATE = "WITH RECURSIVE generate(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < :number)"
TEXTS = {
    "requests": """{"prompt":"Why is the sky blue, and why is it red in the evening?","options":{"temperature":0.7}}""",
    "answers": """{"model":"llama3.2","created_at":"2026-01-01T00:00:00.000000000Z","response":"%s","done":true,
                   "done_reason":"stop","total_duration":1000000000,"eval_count":20}"""
    % ("Rayleigh scattering, that is why. " * 6),
}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A queue in a file, and how many prompts it was given."""

    path: Path
    answered: int
    waiting: int
    owners: int = 1  # of those that wait: everybody, or so many with keys

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        return f"sqlite:///{self.path}"

    @classmethod
    def of(cls, number: int, folder: Path, *, owners: int = 1) -> Stored:
        """Fill a queue with `number` answered prompts and a tenth of it waiting; none makes an empty one."""
        stored = cls(path=folder / "queue.db", answered=number, waiting=number // SHARE, owners=owners)
        with stored.opened() as queue:  # makes the tables
            for n in range(owners if owners > 1 else 0):
                queue.add_key(new_key(), owner=f"owner{n}", role=Role.USER)
        if number:
            stored._fill()
        return stored

    @property
    def old(self) -> int:
        """How many of them are older than they are kept."""
        return self.answered // SHARE

    @contextmanager
    def opened(self) -> Iterator[PromptQueue]:
        """Open it as the product does."""
        queue = connect(self.url).open()
        try:
            yield queue
        finally:
            queue.close()

    def ids(self, status: str, number: int) -> list[str]:
        """Give ids of prompts with this status that will not be pruned. Ids are random, so these stand anywhere."""
        query = "SELECT id FROM prompts WHERE status = ? AND created_at > ? ORDER BY id LIMIT ?"
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] for row in connection.execute(query, (status, time.time() - RETENTION, number))]

    def _fill(self) -> None:
        now = time.time()
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.create_function("new_id", 0, _new_id)
        # Nothing here need survive anything.
        for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -1000000"):
            connection.execute(f"PRAGMA {pragma}")
        # What follows from the rows is made once, at the end, instead of a million times.
        parts = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')")
        later = [row for row in parts.fetchall() if row[1] in COUNTING or (row[0] == "index" and row[2])]
        for kind, name, _ in later:
            connection.execute(f"DROP {kind} {name}")
        connection.execute("BEGIN")
        for statement, number, oldest, newest in (
            (COMPLETED, self.old, now - RETENTION - 10 * DAY, now - RETENTION - DAY),
            (COMPLETED, self.answered - self.old, now - RETENTION + DAY, now - DAY),
            (WAITING, self.waiting, now, now - DAY),
        ):
            moments = {"number": number, "oldest": oldest, "newest": newest}
            lengths = {"asked": len(TEXTS["requests"]), "answered": len(TEXTS["answers"])}
            connection.execute(GENERATE + statement, {**moments, **lengths, "boot": "00000000", "owners": self.owners})
        for table, text in TEXTS.items():
            wanted = "WHERE status = 'completed'" if table == "answers" else ""
            connection.execute(f"INSERT INTO {table} SELECT seq, ? FROM prompts {wanted}", (text,))
        connection.execute(
            """
            UPDATE counters
            SET prompts = (SELECT count(*) FROM prompts WHERE prompts.status = counters.status)
            WHERE priority = 'interactive'
            """
        )
        connection.execute(
            """
            UPDATE owners SET stored_bytes = stored.bytes
            FROM (SELECT owner, sum(bytes) AS bytes FROM prompts GROUP BY owner) AS stored
            WHERE stored.owner = owners.owner
            """
        )
        for _, _, definition in later:
            connection.execute(definition)
        connection.execute("COMMIT")
        connection.close()
        connect(self.url).open().close()  # back to the product's journal


def _new_id() -> str:
    digits = os.urandom(16).hex()  # as uuid4 makes them, in a third of its time
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
