"""The order of the line: whose turn it is, who is before whom, and what follows from that. Nothing else decides it.

Lanes share the slots' time, and within a lane its owners do; one owner's prompts come in the order of their numbers.
The tables `lanes` and `turns` say whose turn it is, `line` and `counters` how many wait; triggers keep all four, and
charge each claim and each end (`sqlite/migrations/010_turns.sql`).
"""

import json
from collections.abc import Collection

from promptqueue.condition import Bounds
from promptqueue.errors import QueueFull
from promptqueue.machine.clock import Clock
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Priority, Terms
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3

NEWEST_IN_LINE = """
    SELECT * FROM prompts INDEXED BY prompts_waiting
    WHERE status = 'queued' AND seq < :before ORDER BY seq DESC LIMIT :limit
"""
"""Who wait, the last to join first."""

TAKE = """
    UPDATE prompts
    SET status = 'processing', attempt = attempt + 1, tokens = 0, started_at = :wall,
        worker = :worker, boot = :boot, claimed_at = :now, leased_until = :now + :lease,
        run_until = :now + min(coalesce(timeout_seconds, :timeout), :timeout),
        ran_seconds = (SELECT price / 1e6 FROM turns
                       WHERE turns.priority = prompts.priority AND turns.owner = prompts.owner),
        max_failures = :max_failures, not_before = NULL, server = nullif(:server, '')
    WHERE seq = (
        SELECT prompts.seq
        FROM turns LEFT JOIN owners USING (owner) CROSS JOIN prompts INDEXED BY prompts_in_line
        WHERE turns.priority = :lane AND turns.waiting > 0
          AND (owners.running IS NULL
               OR owners.running < coalesce(max_running, CASE WHEN turns.owner > 1 THEN :most_running END, 1e9))
          AND prompts.status = 'queued' AND prompts.priority = turns.priority AND prompts.owner = turns.owner
          AND (not_before IS NULL OR boot <> :boot OR not_before <= :now)
          AND (expires_at IS NULL OR expires_at > :wall)
          AND NOT (SELECT paused FROM control)
        ORDER BY turns.start, turns.since, turns.owner, prompts.seq
        LIMIT 1
    )
    RETURNING *, (SELECT request FROM requests WHERE requests.seq = prompts.seq) AS request
"""

BEFORE = """
    SELECT coalesce(sum(min(his.waiting, (mine.at - his.start - (his.since > mine.since))
                                         / max(1, CAST(his.price / his.weight AS INTEGER)) + 1)), 0)
    FROM turns AS his
    WHERE his.priority = mine.priority AND his.waiting > 0 AND his.owner <> mine.owner
      AND his.start <= mine.at - (his.since > mine.since)
"""
"""How many prompts of other owners come before the one whose turn would be at `at`, if their prices stayed.

An owner's n-th prompt has its turn n - 1 prices after his start: the same comparison as that of the claim. `mine` has
to be materialized, or SQLite works `at` out anew for each owner.
"""

BEFORE_BATCH = """
    CASE mine.priority WHEN 'batch'
    THEN (SELECT prompts FROM counters WHERE status = 'queued' AND priority = 'interactive') ELSE 0 END
"""

WITH_PLACES = f"""
    WITH ranked AS MATERIALIZED (
        SELECT prompts.*,
               CASE prompts.status WHEN 'queued' THEN
                   (SELECT coalesce(sum(line.prompts), 0) FROM line
                    WHERE line.priority = prompts.priority AND line.owner = prompts.owner
                      AND line.block < prompts.seq / 256)
                   + (SELECT count(*) FROM prompts AS ahead
                      WHERE ahead.status = 'queued' AND ahead.priority = prompts.priority
                        AND ahead.owner = prompts.owner
                        AND ahead.seq >= prompts.seq / 256 * 256 AND ahead.seq <= prompts.seq)
               END AS rank
        FROM json_each(:ids) AS named JOIN prompts ON prompts.id = named.value
    ),
    mine AS MATERIALIZED (
        SELECT ranked.*, since, start + (rank - 1) * max(1, CAST(price / weight AS INTEGER)) AS at
        FROM ranked LEFT JOIN turns USING (priority, owner)
    )
    SELECT mine.*, rank + ({BEFORE}) + {BEFORE_BATCH} AS position,
           (SELECT max(attempt) FROM partials WHERE partials.seq = mine.seq) AS text_attempt,
           (SELECT offset + coalesce(length, length(text)) FROM partials WHERE partials.seq = mine.seq
            ORDER BY attempt DESC, offset DESC LIMIT 1) AS text_length
    FROM mine
"""  # noqa: S608 (it is our own)

OF_A_NEWCOMER = f"""
    WITH mine AS MATERIALIZED (
        SELECT *, start + (waiting - 1) * max(1, CAST(price / weight AS INTEGER)) AS at FROM turns
        WHERE priority = :priority AND owner = :owner
    )
    SELECT waiting + ({BEFORE}) + {BEFORE_BATCH} AS position FROM mine
"""  # noqa: S608 (it is our own)


def take_next(database: Database, clock: Clock, terms: Terms) -> sqlite3.Row | None:
    """Claim the next prompt on these terms; its row with its `request`, None when none may start."""
    for lane in lanes_in_turn(database):
        claimed = database.run(
            TAKE,
            lane=lane,
            wall=clock.wall(),
            now=clock.monotonic(),
            boot=clock.boot,
            worker=terms.worker,
            lease=terms.lease_seconds,
            timeout=terms.timeout_seconds,
            max_failures=terms.max_failures,
            server=terms.server,
            most_running=terms.most_running,
        )
        if claimed:
            return claimed[0]
    return None


def lanes_in_turn(database: Database) -> list[Priority]:
    """Name the lanes in which anybody waits, the one whose turn it is first.

    It is a read, a hundred times cheaper than a turn to write.
    """
    waiting = database.run(
        """
        SELECT lanes.priority FROM lanes JOIN counters USING (priority)
        WHERE status = 'queued' AND prompts > 0
        ORDER BY start + CAST(price / share AS INTEGER), lanes.priority DESC
        """
    )
    return [Priority(row["priority"]) for row in waiting]


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


def newcomers_place(database: Database, priority: Priority, owner: int) -> int:
    """Say which place has the prompt of this owner that joined a lane last."""
    [newcomer] = database.run(OF_A_NEWCOMER, priority=priority, owner=owner)
    return int(newcomer["position"])


def places(database: Database, prompt_ids: Collection[str]) -> list[sqlite3.Row]:
    """Read the rows of these prompts with their place in line (`position`), and how far their text is written."""
    return database.run(WITH_PLACES, ids=json.dumps(list(prompt_ids)))


def turns(database: Database, clock: Clock) -> list[Turn]:
    """Read who wait or have something running, lane by lane."""
    found = database.run(
        """
        SELECT name, turns.priority, waiting,
               (SELECT count(*) FROM prompts
                WHERE status = 'processing' AND priority = turns.priority AND owner = turns.owner) AS running,
               (SELECT coalesce(queued_at, created_at) FROM prompts INDEXED BY prompts_in_line
                WHERE status = 'queued' AND priority = turns.priority AND owner = turns.owner
                ORDER BY seq LIMIT 1) AS since
        FROM turns JOIN owners USING (owner)
        WHERE waiting > 0 OR running > 0
        ORDER BY turns.priority DESC, turns.owner
        """
    )
    return [
        Turn(
            owner=row["name"],
            lane=Priority(row["priority"]),
            waiting=row["waiting"],
            running=row["running"],
            oldest_wait_seconds=None if row["since"] is None else max(0.0, clock.wall() - row["since"]),
        )
        for row in found
        if row["waiting"] or row["running"]
    ]


def moves(database: Database) -> int:
    """Count how often the line has moved."""
    [row] = database.run("SELECT sum(moves) AS moves FROM counters WHERE status = 'queued'")
    return int(row["moves"])


def new_number(database: Database) -> int:
    """Take a new number: its place is the end of its owner's line."""
    [last] = database.run("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'prompts' RETURNING seq")
    return int(last["seq"])


def waiting_since(database: Database) -> float | None:
    """Say since when the longest has been waiting, in seconds since the epoch; None where nobody waits."""
    first = database.run(
        """
        SELECT coalesce(queued_at, created_at) AS since FROM prompts INDEXED BY prompts_waiting
        WHERE status = 'queued' ORDER BY seq LIMIT 1
        """
    )
    return float(first[0]["since"]) if first else None
