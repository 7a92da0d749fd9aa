"""The order of the line: whose turn it is, who is before whom, and what follows from that. Nothing else decides it.

Interactive prompts come first, then first come, first served: within a lane a prompt's number is its place. The tables
`line` and `counters`, which triggers keep, say how many wait in each lane and block of numbers.
"""

import json
from collections.abc import Collection

from promptqueue.condition import Bounds
from promptqueue.errors import QueueFull
from promptqueue.prompt import Priority, Terms
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host.clock import Clock
from promptqueue.sqlite.verbs.rows import newest_of

NEWEST_IN_LANE = """
    SELECT * FROM prompts INDEXED BY prompts_in_line
    WHERE status = 'queued' AND priority = :lane AND seq < :before ORDER BY seq DESC LIMIT :limit
"""

NEWEST_IN_LINE = newest_of(NEWEST_IN_LANE.replace(":lane", f"'{lane}'") for lane in Priority)
"""Who wait, the last to join first. By lane and index, or it would read all that wait (see `reading`)."""


def take_next(database: Database, clock: Clock, terms: Terms) -> sqlite3.Row | None:
    """Claim the next prompt on these terms; its row, None when none may start."""
    claimed = database.run(
        """
        UPDATE prompts
        SET status = 'processing', attempt = attempt + 1, tokens = 0, started_at = :wall,
            worker = :worker, boot = :boot, claimed_at = :now, leased_until = :now + :lease,
            run_until = :now + min(coalesce(timeout_seconds, :timeout), :timeout),
            max_failures = :max_failures, not_before = NULL
        WHERE seq = (
            SELECT seq FROM prompts
            WHERE status = 'queued'
              AND (not_before IS NULL OR boot <> :boot OR not_before <= :now)
              AND (expires_at IS NULL OR expires_at > :wall)
              AND NOT (SELECT paused FROM control)
            ORDER BY priority DESC, seq
            LIMIT 1
        )
        RETURNING *
        """,
        wall=clock.wall(),
        now=clock.monotonic(),
        boot=clock.boot,
        worker=terms.worker,
        lease=terms.lease_seconds,
        timeout=terms.timeout_seconds,
        max_failures=terms.max_failures,
    )
    return claimed[0] if claimed else None


def is_anybody_waiting(database: Database) -> bool:
    """Say whether there is anything to claim, from a read: a hundred times cheaper than a turn to write."""
    return bool(database.run("SELECT 1 FROM counters WHERE status = 'queued' AND prompts > 0"))


def waiting(database: Database) -> dict[Priority, int]:
    """Count who wait in each lane."""
    return {
        Priority(row["priority"]): int(row["prompts"])
        for row in database.run("SELECT priority, prompts FROM counters WHERE status = 'queued'")
    }


def refuse(database: Database, prompts: int, bounds: Bounds) -> None:
    """Refuse so many more prompts where more would wait than may. Raises QueueFull."""
    max_queued = bounds.get("max_queued")
    if max_queued is not None and (now := sum(waiting(database).values())) + prompts > max_queued:
        message = f"The queue is full: {now} prompts wait, and {max_queued} may."
        raise QueueFull(message)


def newcomers_place(before: dict[Priority, int], priority: Priority) -> int:
    """Say which place a prompt takes that joins a lane behind those who were `waiting` before it."""
    return 1 + (sum(before.values()) if priority is Priority.BATCH else before[priority])


def places(database: Database, prompt_ids: Collection[str]) -> list[sqlite3.Row]:
    """Read the rows of these prompts with their place in line (`position`), and how far their text is written."""
    return database.run(
        """
        SELECT mine.*,
               CASE mine.status WHEN 'queued' THEN
                   (SELECT coalesce(sum(prompts), 0) FROM line
                    WHERE line.priority = mine.priority AND line.block < mine.seq / 256)
                   + (SELECT count(*) FROM prompts AS ahead
                      WHERE ahead.status = 'queued' AND ahead.priority = mine.priority
                        AND ahead.seq >= mine.seq / 256 * 256 AND ahead.seq <= mine.seq)
                   + CASE mine.priority WHEN 'batch'
                     THEN (SELECT prompts FROM counters WHERE status = 'queued' AND priority = 'interactive')
                     ELSE 0 END
               END AS position,
               (SELECT max(attempt) FROM partials WHERE partials.seq = mine.seq) AS text_attempt,
               (SELECT offset + coalesce(length, length(text)) FROM partials WHERE partials.seq = mine.seq
                ORDER BY attempt DESC, offset DESC LIMIT 1) AS text_length
        FROM json_each(:ids) AS named JOIN prompts AS mine ON mine.id = named.value
        """,
        ids=json.dumps(list(prompt_ids)),
    )


def moves(database: Database) -> int:
    """Count how often the line has moved."""
    [row] = database.run("SELECT sum(moves) AS moves FROM counters WHERE status = 'queued'")
    return int(row["moves"])


def new_number(database: Database) -> int:
    """Take a new number: its place is the end of the line."""
    [last] = database.run("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'prompts' RETURNING seq")
    return int(last["seq"])


def waiting_since(database: Database) -> float | None:
    """Say since when the longest has been waiting, in seconds since the epoch; None where nobody waits."""
    # The first of each lane, by its index; a minimum over all that wait would read them all.
    [first] = database.run(
        """
        SELECT min(since) AS since FROM (
            SELECT * FROM (SELECT coalesce(queued_at, created_at) AS since FROM prompts
                           WHERE status = 'queued' AND priority = 'interactive' ORDER BY seq LIMIT 1)
            UNION ALL
            SELECT * FROM (SELECT coalesce(queued_at, created_at) AS since FROM prompts
                           WHERE status = 'queued' AND priority = 'batch' ORDER BY seq LIMIT 1)
        )
        """
    )
    return None if first["since"] is None else float(first["since"])
