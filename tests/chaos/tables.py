"""The database of a PostgreSQL as a whole, read at one moment, past the product's own code."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.database import Contents, text_of

PROMPTS = """
    SELECT id::text AS id, prompts.owner, CASE prompts.lane WHEN 0 THEN 'interactive' ELSE 'batch' END AS priority,
           coalesce(line.status, CASE WHEN ended.seq IS NOT NULL THEN 'completed' END) AS status, outcome,
           coalesce(line.attempt, ended.attempt) AS attempt, coalesce(line.failures, ended.failures) AS failures,
           error_code, error_message
    FROM prompts LEFT JOIN line USING (seq) LEFT JOIN ended USING (seq)
"""
BROKEN = """
    SELECT 'prompt ' || id || ' is neither in the line nor ended, or both'
    FROM prompts LEFT JOIN line USING (seq) LEFT JOIN ended USING (seq)
    WHERE (line.seq IS NULL) = (ended.seq IS NULL)
    UNION ALL
    SELECT 'prompt ' || id || ' is of another owner or lane in the line, or where it ended'
    FROM prompts LEFT JOIN line USING (seq) LEFT JOIN ended USING (seq)
    WHERE prompts.owner <> coalesce(line.owner, ended.owner) OR prompts.lane <> line.lane
"""
ORPHANS = """
    SELECT count(*)
    FROM (
        SELECT seq FROM line UNION SELECT seq FROM ended UNION SELECT seq FROM partials UNION SELECT seq FROM holds
    ) AS kept LEFT JOIN prompts USING (seq)
    WHERE id IS NULL
"""
COUNTERS = """
    SELECT 'queued' AS status, lane, sum(prompts) AS prompts FROM counted GROUP BY lane
    UNION ALL
    SELECT 'completed', lane, sum(completed) FROM counted GROUP BY lane
    UNION ALL
    SELECT 'processing', lane, count(*) FROM line WHERE status = 'processing' GROUP BY lane
"""
MISCOUNTED = """
    SELECT 'owner ' || owner || ' has ' || kept || ' ' || what || ', and a count gives ' || counted
    FROM (
        SELECT owner, (SELECT coalesce(sum(bytes), 0) FROM counted WHERE counted.owner = owners.owner) AS kept,
               'bytes' AS what,
               (SELECT coalesce(sum(prompts.bytes + coalesce(ended.bytes, 0)), 0)
                FROM prompts LEFT JOIN ended USING (seq) WHERE prompts.owner = owners.owner) AS counted
        FROM owners
        UNION ALL
        SELECT owner,
               (SELECT coalesce(sum(prompts), 0) FROM counted
                WHERE counted.owner = owners.owner AND counted.lane = lanes.lane),
               'waiting in the lane ' || lane,
               (SELECT count(*) FROM line
                WHERE status = 'queued' AND line.owner = owners.owner AND line.lane = lanes.lane)
        FROM owners CROSS JOIN lanes
    ) AS sums
    WHERE kept <> counted
    UNION ALL
    SELECT 'owner ' || owner || ' has ' || coalesce(kept, 0) || ' in the block ' || block || ' of the lane ' || lane
           || ', and a count gives ' || coalesce(counted, 0)
    FROM (SELECT lane, owner, block, sum(prompts) AS kept FROM placed GROUP BY lane, owner, block) AS blocks
         FULL JOIN (
             SELECT lane, owner, seq / 256 AS block, count(*) AS counted
             FROM line WHERE status = 'queued' GROUP BY lane, owner, seq / 256
         ) AS real USING (lane, owner, block)
    WHERE coalesce(kept, 0) <> coalesce(counted, 0)
    UNION ALL
    SELECT 'owner ' || owner || ' had ' || had || ' that succeeded, and ' || counted || ' are stored'
    FROM (
        SELECT owner,
               (SELECT coalesce(sum(succeeded), 0) FROM usage WHERE usage.owner = owners.owner)
               + (SELECT count(*) FROM endings WHERE outcome = 'succeeded' AND endings.owner = owners.owner) AS had,
               (SELECT count(*) FROM ended WHERE outcome = 'succeeded' AND ended.owner = owners.owner) AS counted
        FROM owners
    ) AS successes
    WHERE had < counted  -- what was deleted was had as well
    UNION ALL
    SELECT 'of ' || what || ' all have ' || total || ', and the owners together ' || of_owners
    FROM (
        SELECT outcome AS what, prompts AS total,
               (SELECT coalesce(sum(CASE outcome WHEN 'succeeded' THEN succeeded WHEN 'failed' THEN failed
                                    WHEN 'cancelled' THEN cancelled ELSE expired END), 0) FROM usage) AS of_owners
        FROM totals
        UNION ALL
        SELECT 'tokens', sum(tokens), (SELECT coalesce(sum(tokens), 0) FROM usage) FROM totals
        UNION ALL
        SELECT 'tokens read', sum(prompt_tokens), (SELECT coalesce(sum(prompt_tokens), 0) FROM usage) FROM totals
        UNION ALL
        SELECT 'milliseconds', round(sum(seconds) * 1e3), (SELECT round(coalesce(sum(seconds), 0) * 1e3) FROM usage)
        FROM totals
    ) AS folded
    WHERE abs(total - of_owners) > CASE what WHEN 'milliseconds' THEN 1 ELSE 0 END  -- of fractions, in another order
    UNION ALL
    SELECT 'measured are ' || sum(prompts) FILTER (WHERE what = 'waiting') || ' that waited and '
           || sum(prompts) FILTER (WHERE what = 'running') || ' that ran'
    FROM durations
    HAVING sum(prompts) FILTER (WHERE what = 'waiting') <> sum(prompts) FILTER (WHERE what = 'running')
"""


def contents(url: str) -> Contents:
    """Read all of it at one moment."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return seen_by(connection)


def seen_by(connection: psycopg.Connection[Any]) -> Contents:
    """Read all of it in the transaction that goes on there."""

    def rows(statement: str) -> list[dict[str, Any]]:
        return connection.cursor(row_factory=dict_row).execute(statement).fetchall()

    def words(statement: str) -> list[str]:
        return [str(each) for row in rows(statement) for each in row.values()]

    return Contents(
        integrity="; ".join(words(BROKEN)) or "ok",
        prompts={
            row["id"]: {**row, "error_message": row["error_message"] and json.loads(row["error_message"])}
            for row in rows(PROMPTS)
        },
        texts={
            row["id"]: text_of(json.loads(row["request"]))
            for row in rows("SELECT id::text AS id, request FROM prompts WHERE request IS NOT NULL")
        },
        answers={
            row["id"]: json.loads(row["answer"])
            for row in rows(
                "SELECT id::text AS id, answer FROM prompts JOIN ended USING (seq) WHERE answer IS NOT NULL"
            )
        },
        keys={row["key"]: row["id"] for row in rows("SELECT key, prompt_id::text AS id FROM idempotency_keys")},
        orphans=rows(ORPHANS)[0]["count"],
        counters=Counter(
            {(row["status"], ("interactive", "batch")[row["lane"]]): int(row["prompts"]) for row in rows(COUNTERS)}
        ),
        miscounted=words(MISCOUNTED),
        owners={row["owner"]: row["name"] for row in rows("SELECT owner, name FROM owners")},
    )
