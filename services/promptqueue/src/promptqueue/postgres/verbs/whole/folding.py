"""Folding of the ledgers: many rows that verbs have added become few, and no sum changes.

Every sum is read from what is folded and what is not, in one statement, which sees all of a fold or nothing of it.
"""

from promptqueue.postgres.server import locks
from promptqueue.postgres.server.database import Database

MANY = 300  # unfolded rows that are worth folding: reading so many takes as long as reading nothing
PILE = 2_000  # folded rows that are swept away at once: until the server does so, each sum would read past them

UNFOLDED = """
    SELECT (SELECT count(*) FROM (SELECT 1 FROM tally LIMIT %(most)s) AS few) AS tally,
           (SELECT count(*) FROM (SELECT 1 FROM endings LIMIT %(most)s) AS few) AS endings
"""

ALONE = "SELECT pg_try_advisory_xact_lock(%(single)s, %(folding)s) AS is_alone"

FOLD_TALLY = """
    WITH gone AS (DELETE FROM tally RETURNING lane, owner, block, prompts, moves, bytes, completed),
    summed AS (
        INSERT INTO sums (lane, owner, prompts, moves, bytes, completed)
        SELECT lane, owner, sum(prompts), sum(moves), sum(bytes), sum(completed) FROM gone GROUP BY lane, owner
        ON CONFLICT (lane, owner) DO UPDATE
        SET prompts = sums.prompts + excluded.prompts, moves = sums.moves + excluded.moves,
            bytes = sums.bytes + excluded.bytes, completed = sums.completed + excluded.completed
    )
    INSERT INTO blocks (lane, owner, block, prompts)
    SELECT lane, owner, block, sum(prompts) FROM gone
    WHERE block IS NOT NULL GROUP BY lane, owner, block HAVING sum(prompts) <> 0
    ON CONFLICT (lane, owner, block) DO UPDATE SET prompts = blocks.prompts + excluded.prompts
    RETURNING lane, owner, block, prompts
"""

FORGET_BLOCKS = """
    DELETE FROM blocks USING unnest(%(lanes)s::smallint[], %(owners)s::integer[], %(blocks)s::bigint[])
        AS left_alone (lane, owner, block)
    WHERE blocks.lane = left_alone.lane AND blocks.owner = left_alone.owner AND blocks.block = left_alone.block
      AND prompts = 0
"""
"""Blocks in which nobody waits any more."""

FOLD_ENDINGS = """
    WITH gone AS (DELETE FROM endings RETURNING *),
    of_days AS (
        INSERT INTO usage (owner, day, succeeded, failed, cancelled, expired, prompt_tokens, tokens, seconds)
        SELECT owner, day, count(*) FILTER (WHERE outcome = 'succeeded'), count(*) FILTER (WHERE outcome = 'failed'),
               count(*) FILTER (WHERE outcome = 'cancelled'), count(*) FILTER (WHERE outcome = 'expired'),
               sum(prompt_tokens), sum(tokens), sum(seconds)
        FROM gone GROUP BY owner, day
        ON CONFLICT (owner, day) DO UPDATE
        SET succeeded = usage.succeeded + excluded.succeeded, failed = usage.failed + excluded.failed,
            cancelled = usage.cancelled + excluded.cancelled, expired = usage.expired + excluded.expired,
            prompt_tokens = usage.prompt_tokens + excluded.prompt_tokens, tokens = usage.tokens + excluded.tokens,
            seconds = usage.seconds + excluded.seconds
    ),
    of_outcomes AS (
        INSERT INTO totals (outcome, prompts, prompt_tokens, tokens, seconds)
        SELECT outcome, count(*), sum(prompt_tokens), sum(tokens), sum(seconds) FROM gone GROUP BY outcome
        ON CONFLICT (outcome) DO UPDATE
        SET prompts = totals.prompts + excluded.prompts, prompt_tokens = totals.prompt_tokens + excluded.prompt_tokens,
            tokens = totals.tokens + excluded.tokens, seconds = totals.seconds + excluded.seconds
    ),
    of_bounds AS (
        INSERT INTO durations (what, up_to, prompts, seconds)
        SELECT what, bound_of(seconds), count(*), sum(seconds)
        FROM (
            SELECT 'waiting' AS what, waited AS seconds FROM gone WHERE waited IS NOT NULL
            UNION ALL
            SELECT 'running', ran FROM gone WHERE ran IS NOT NULL
        ) AS took
        GROUP BY what, bound_of(seconds)
        ON CONFLICT (what, up_to) DO UPDATE
        SET prompts = durations.prompts + excluded.prompts, seconds = durations.seconds + excluded.seconds
    )
    INSERT INTO minutes (boot, began, minute, completed, failed, tokens, rested)
    SELECT boot, began, min(minute), count(*) FILTER (WHERE outcome = 'succeeded'),
           count(*) FILTER (WHERE outcome = 'failed'), sum(tokens), max(rested)
    FROM (SELECT *, minute_began(elapsed, wall) AS began, minute_of(wall) AS minute FROM gone) AS gone
    GROUP BY boot, began
    ON CONFLICT (boot, began) DO UPDATE
    SET completed = minutes.completed + excluded.completed, failed = minutes.failed + excluded.failed,
        tokens = minutes.tokens + excluded.tokens, rested = greatest(minutes.rested, excluded.rested)
"""


def fold(database: Database, *, many: int | None = None) -> None:
    """Fold the ledgers once one has so many rows, unless somebody else is doing so. Outside any transaction."""
    many = MANY if many is None else many
    [unfolded] = database.run(UNFOLDED, most=max(many, PILE))
    if max(unfolded.values()) >= many and _has_folded(database):
        piles = [ledger for ledger, number in unfolded.items() if number >= PILE]
        for table in [*piles, "charges"] if piles else []:  # so many claims have left much there too
            database.run(f"VACUUM (SKIP_LOCKED, TRUNCATE false) {table}")


def _has_folded(database: Database) -> bool:
    """Fold all that is there; False where somebody else does so."""
    # What a power cut takes back is unfolded again, and the sums are the same.
    with database.transaction(durable=False):
        [tried] = database.run(ALONE, single=locks.SINGLE, folding=locks.FOLDING)
        if not tried["is_alone"]:
            return False
        touched = database.run(FOLD_TALLY)
        empty = [row for row in touched if not row["prompts"]]
        if empty:
            database.run(
                FORGET_BLOCKS,
                lanes=[row["lane"] for row in empty],
                owners=[row["owner"] for row in empty],
                blocks=[row["block"] for row in empty],
            )
        database.run(FOLD_ENDINGS)
    return True
