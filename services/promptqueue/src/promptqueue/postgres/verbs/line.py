"""The order of the line: whose turn it is, who is before whom, and what follows from that. Nothing else decides it.

Lanes share the slots' time, and within a lane its owners do; one owner's prompts come in the order of their numbers.
The tables `lanes` and `turns` say whose turn it is, the view `counted` how many wait. Functions of the schema hand out
who is next, and charge each claim and each end (`postgres/migrations/002_line.sql`).
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from promptqueue.condition import Bounds
from promptqueue.errors import QueueFull
from promptqueue.owners.turn import Turn
from promptqueue.postgres.server import locks
from promptqueue.postgres.server.arrays import array
from promptqueue.postgres.server.database import Database, Row
from promptqueue.postgres.verbs import rows
from promptqueue.postgres.verbs.lanes import LANES
from promptqueue.prompt import Terms

IN_FLIGHT = 256
"""So many prompts below a limit, submissions of others that are not committed yet are waited for: a group's length."""

AFTER_ALL = 2**62  # number of a prompt that has none yet

STANDS = """
    WITH has AS MATERIALIZED (
        SELECT lane, owner, sum(prompts)::bigint AS waiting, sum(bytes)::bigint AS bytes
        FROM (
            SELECT lane, owner, prompts, bytes FROM counted
            UNION ALL
            SELECT lane, asking, 0, 0 FROM lanes CROSS JOIN unnest(%(owners)s::integer[]) AS asking
        ) AS each
        GROUP BY lane, owner
    )
    SELECT wall() AS wall, (SELECT sum(waiting)::bigint FROM has) AS all_waiting,
           (SELECT sum(bytes)::bigint FROM has) AS all_bytes, has.lane, has.owner, has.waiting, has.bytes, lanes.now,
           coalesce(turns.start, 0) AS start, coalesce(turns.since, 0) AS since,
           greatest(1, trunc(coalesce(turns.price, 2000000) / coalesce(owners.weight, 1))::bigint) AS step
    FROM has JOIN lanes USING (lane) LEFT JOIN turns USING (lane, owner) LEFT JOIN owners USING (owner)
    WHERE has.waiting > 0 OR has.owner = ANY (%(owners)s::integer[])
"""
"""Of those who wait, and of those who ask."""

NEXT = """
    SELECT * FROM line_claim(%(worker)s, %(server)s, %(lease)s::double precision, %(timeout)s::double precision,
                             %(max_failures)s::integer, %(most_running)s::bigint, %(ticket)s)
"""

WITH_PLACES = f"""
    WITH named AS MATERIALIZED ({rows.STANDING} WHERE prompts.id = ANY(%(ids)s::uuid[])),
    queued AS MATERIALIZED (SELECT seq, lane, owner FROM named WHERE status = 'queued'),
    turn AS MATERIALIZED (
        SELECT waiting.lane, waiting.owner, waiting.prompts, coalesce(turns.start, 0) AS start,
               coalesce(turns.since, 0) AS since,
               greatest(1, trunc(coalesce(turns.price, 2000000) / coalesce(owners.weight, 1))::bigint) AS step
        FROM (
            SELECT lane, owner, sum(prompts) AS prompts FROM counted WHERE EXISTS (SELECT FROM queued)
            GROUP BY lane, owner HAVING sum(prompts) > 0
        ) AS waiting
        LEFT JOIN turns USING (lane, owner) LEFT JOIN owners USING (owner)
    ),
    unfolded AS MATERIALIZED (
        SELECT lane, owner, block, prompts FROM tally
        WHERE block IS NOT NULL AND (lane, owner) IN (SELECT lane, owner FROM queued)
    ),
    ranked AS MATERIALIZED (
        SELECT queued.seq, queued.lane, queued.owner,
               (SELECT coalesce(sum(prompts), 0) FROM blocks
                WHERE blocks.lane = queued.lane AND blocks.owner = queued.owner AND block < queued.seq / 256)
               + (SELECT coalesce(sum(prompts), 0) FROM unfolded
                  WHERE unfolded.lane = queued.lane AND unfolded.owner = queued.owner AND block < queued.seq / 256)
               + (SELECT count(*) FROM line
                  WHERE line.status = 'queued' AND line.lane = queued.lane AND line.owner = queued.owner
                    AND line.seq >= queued.seq / 256 * 256 AND line.seq <= queued.seq) AS rank
        FROM queued
    ),
    mine AS MATERIALIZED (
        SELECT ranked.seq, ranked.lane, ranked.owner, rank, since, start + (rank - 1) * step AS at
        FROM ranked LEFT JOIN turn USING (lane, owner)
    )
    SELECT named.*, written.attempt AS text_attempt, written.length AS text_length,
           mine.rank + (
               SELECT coalesce(sum(least(his.prompts, (mine.at - his.start - (his.since > mine.since)::integer)
                                                      / his.step + 1)), 0)::bigint
               FROM turn AS his
               WHERE his.lane = mine.lane AND his.owner <> mine.owner
                 AND his.start <= mine.at - (his.since > mine.since)::integer
           ) + CASE mine.lane WHEN 1
               THEN (SELECT coalesce(sum(prompts), 0)::bigint FROM turn WHERE lane = 0) ELSE 0 END AS position
    FROM named
    LEFT JOIN mine USING (seq)
    LEFT JOIN LATERAL (
        SELECT partials.attempt, at + chars AS length FROM partials WHERE partials.seq = named.seq
        ORDER BY partials.attempt DESC, at DESC LIMIT 1
    ) AS written ON true
"""  # noqa: S608 (it is our own)
"""How many prompts of other owners come before one, if their prices stayed: an owner's n-th prompt has its turn n - 1
prices after his start, by the same comparison as that of the claim."""


@dataclass(slots=True)
class _Own:
    """One owner's part of a lane."""

    waiting: int
    bytes: int  # that are stored
    start: int
    since: int
    step: int  # what one prompt of his moves his turn by


class Line:
    """How the line stood when it was read, and what those who read it have added to it since."""

    def __init__(self, found: Sequence[Row], *, is_exact: bool) -> None:
        """Read it. It `is_exact` where whoever else comes close to a limit waits until this transaction is over."""
        self.is_exact = is_exact
        self.wall: float = found[0]["wall"]
        self.waiting: int = found[0]["all_waiting"]
        self.bytes: int = found[0]["all_bytes"]  # that are stored
        self.tokens: dict[int, int] = {}  # that owners had today, as far as somebody asked
        self._added = itertools.count(AFTER_ALL)
        self._lanes: dict[int, dict[int, _Own]] = {}
        self._now: dict[int, int] = {}
        for row in found:
            self._now[row["lane"]] = row["now"]
            own = _Own(row["waiting"], row["bytes"], row["start"], row["since"], row["step"])
            self._lanes.setdefault(row["lane"], {})[row["owner"]] = own

    def of_owner(self, owner: int) -> tuple[int, int]:
        """Say how many prompts of an owner wait, and how many bytes are stored for it."""
        owned = [lane[owner] for lane in self._lanes.values()]
        return sum(own.waiting for own in owned), sum(own.bytes for own in owned)

    def knows(self, owner: int) -> bool:
        """Whether it was read for this owner too."""
        return all(owner in lane for lane in self._lanes.values())

    def is_new(self, lane: int, owner: int) -> bool:
        """Whether nothing of this owner waits in this lane."""
        return not self._lanes[lane][owner].waiting

    def join(self, lane: int, owner: int, size: int) -> int:
        """Add a prompt of so many bytes; its place."""
        mine = self._lanes[lane][owner]
        if not mine.waiting:
            mine.start, mine.since = max(mine.start, self._now[lane]), next(self._added)
        mine.waiting += 1
        mine.bytes += size
        self.waiting += 1
        self.bytes += size
        at = mine.start + (mine.waiting - 1) * mine.step
        before = 0
        for number, his in self._lanes[lane].items():
            latest = at - (his.since > mine.since)
            if number != owner and his.waiting and his.start <= latest:
                before += min(his.waiting, (latest - his.start) // his.step + 1)
        others = sum(own.waiting for own in self._lanes[0].values()) if lane else 0
        return mine.waiting + before + others


def read(database: Database, owners: Collection[int]) -> Line:
    """Read how the line stands, for these owners too; within a transaction what was read is kept until it is over."""
    kept = database.kept
    if isinstance(kept, Line) and all(kept.knows(owner) for owner in owners):
        return kept
    is_exact = isinstance(kept, Line) and kept.is_exact
    line = Line(database.run(STANDS, owners=array(owners)), is_exact=is_exact)
    database.keep(line)
    return line


def read_exactly(database: Database, owners: Collection[int]) -> Line:
    """Read it within a transaction, once nobody else who comes close to a limit is about to add to it."""
    database.look("SELECT pg_advisory_xact_lock(%(single)s, %(full)s)", single=locks.SINGLE, full=locks.FULL)
    line = Line(database.run(STANDS, owners=array(owners)), is_exact=True)
    database.keep(line)
    return line


def read_for(database: Database, owners: Collection[int], prompts: int, bounds: Bounds) -> Line:
    """Read it so exactly as it takes to keep so many more within the bounds; only a transaction can be close to one."""
    line = read(database, owners)
    if database.is_in_transaction and is_close(line, prompts, bounds):
        return read_exactly(database, owners)
    return line


def is_close(line: Line, prompts: int, bounds: Bounds) -> bool:
    """Whether so many more may be too many, once others have committed what they are about to add."""
    max_queued = bounds.get("max_queued")
    return max_queued is not None and not line.is_exact and line.waiting + prompts + IN_FLIGHT > max_queued


def refuse(line: Line, prompts: int, bounds: Bounds) -> None:
    """Refuse so many more prompts where more would wait than may. Raises QueueFull."""
    max_queued = bounds.get("max_queued")
    if max_queued is not None and line.waiting + prompts > max_queued:
        message = f"The queue is full: {line.waiting} prompts wait, and {max_queued} may."
        raise QueueFull(message)


def take_next(database: Database, terms: Terms, ticket: str) -> dict[str, Any] | None:
    """Claim the next prompt on these terms; its row with its `request`, None when none may start."""
    claimed = database.run(
        NEXT,
        worker=terms.worker,
        server=terms.server,
        lease=terms.lease_seconds,
        timeout=terms.timeout_seconds,
        max_failures=terms.max_failures,
        most_running=terms.most_running,
        ticket=ticket,
    )
    return {**rows.NOT_ENDED, **claimed[0]} if claimed else None


def places(database: Database, prompt_ids: Collection[str]) -> list[Row]:
    """Read the rows of these prompts with their place in line (`position`), and how far their text is written."""
    ids = [one for one in prompt_ids if rows.is_id(one)]
    found = {str(row["id"]): row for row in database.run(WITH_PLACES, ids=ids)}
    return [found[one] for one in ids if one in found]


def turns(database: Database) -> list[Turn]:
    """Read who wait or have something running, lane by lane."""
    found = database.run(
        """
        SELECT owners.name, here.lane, here.waiting, here.running, (SELECT wall()) - first.asked_at AS waited
        FROM (
            SELECT lane, owner, sum(waiting)::bigint AS waiting, sum(running)::bigint AS running
            FROM (
                SELECT lane, owner, prompts AS waiting, 0 AS running FROM counted
                UNION ALL
                SELECT lane, owner, 0, 1 FROM line WHERE status = 'processing'
            ) AS each
            GROUP BY lane, owner
        ) AS here
        JOIN owners USING (owner)
        LEFT JOIN LATERAL (
            SELECT asked_at FROM line WHERE status = 'queued' AND line.lane = here.lane AND line.owner = here.owner
            ORDER BY seq LIMIT 1
        ) AS first ON true
        WHERE here.waiting > 0 OR here.running > 0
        ORDER BY here.lane, here.owner
        """
    )
    return [
        Turn(
            owner=row["name"],
            lane=LANES[row["lane"]],
            waiting=row["waiting"],
            running=row["running"],
            oldest_wait_seconds=None if row["waited"] is None else max(0.0, row["waited"]),
        )
        for row in found
    ]


def moves(database: Database) -> int:
    """Count how often the line has moved."""
    [row] = database.run("SELECT coalesce(sum(moves), 0)::bigint AS moves FROM counted")
    return int(row["moves"])
