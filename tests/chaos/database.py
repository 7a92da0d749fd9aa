"""The database as a whole, read at one moment, past the product's own code."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promptqueue.sqlite.file.engine import sqlite3  # a process opens a file through one module alone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is stored."""

    integrity: str
    prompts: Mapping[str, Mapping[str, Any]]  # rows by id
    texts: Mapping[str, str]  # the prompts' texts by id
    answers: Mapping[str, Mapping[str, Any]]  # records by id
    keys: Mapping[str, str]  # ids by Idempotency-Key
    orphans: int  # texts without a prompt
    counters: Counter[tuple[str, str]]
    miscounted: Sequence[str] = ()  # what is kept of owners and is not what a count gives
    owners: Mapping[int, str] = field(default_factory=dict)  # names by number

    def owner_of(self, prompt_id: str | None) -> str | None:
        """Give the name of whose a stored prompt is; None where there is no such prompt."""
        row = self.prompts.get(prompt_id or "")
        return self.owners.get(row.get("owner", -1)) if row else None


MISCOUNTED = """
    SELECT 'owner ' || owner || ' has ' || kept || ' ' || what || ', and a count gives ' || counted
    FROM (
        SELECT owner, stored_bytes AS kept, 'bytes' AS what,
               (SELECT coalesce(sum(bytes), 0) FROM prompts WHERE prompts.owner = owners.owner) AS counted
        FROM owners
        UNION ALL
        SELECT owner, running, 'running',
               (SELECT count(*) FROM prompts WHERE status = 'processing' AND prompts.owner = owners.owner)
        FROM owners
        UNION ALL
        SELECT owner, (SELECT coalesce(sum(waiting), 0) FROM turns
                       WHERE turns.owner = owners.owner AND turns.priority = lanes.priority),
               'waiting in the lane ' || priority,
               (SELECT count(*) FROM prompts
                WHERE status = 'queued' AND prompts.owner = owners.owner AND prompts.priority = lanes.priority)
        FROM owners CROSS JOIN lanes
        UNION ALL
        SELECT owner, (SELECT coalesce(sum(prompts), 0) FROM line
                       WHERE line.owner = owners.owner AND line.priority = lanes.priority),
               'in the line ' || priority,
               (SELECT count(*) FROM prompts
                WHERE status = 'queued' AND prompts.owner = owners.owner AND prompts.priority = lanes.priority)
        FROM owners CROSS JOIN lanes
    )
    WHERE kept <> counted
    UNION ALL
    SELECT 'owner ' || owner || ' had ' || had || ' that succeeded, and ' || counted || ' are stored'
    FROM (
        SELECT owner, (SELECT coalesce(sum(succeeded), 0) FROM usage WHERE usage.owner = owners.owner) AS had,
               (SELECT count(*) FROM prompts WHERE outcome = 'succeeded' AND prompts.owner = owners.owner) AS counted
        FROM owners
    )
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
        SELECT 'milliseconds', CAST(round(sum(seconds) * 1e3) AS INTEGER),
               (SELECT CAST(round(coalesce(sum(seconds), 0) * 1e3) AS INTEGER) FROM usage)
        FROM totals
    )
    WHERE abs(total - of_owners) > (what = 'milliseconds')  -- sums of fractions, in another order
    UNION ALL
    SELECT 'measured are ' || sum(prompts * (what = 'waiting')) || ' that waited and '
           || sum(prompts * (what = 'running')) || ' that ran'
    FROM durations HAVING sum(prompts * (what = 'waiting')) <> sum(prompts * (what = 'running'))
"""


def text_of(request: Mapping[str, Any]) -> str:
    """Give what was asked: the prompt, or the last word of a chat."""
    return str(request["prompt"] if "prompt" in request else request["messages"][-1]["content"])


def contents(path: Path) -> Contents:
    """Read all of it in one transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row

        def rows(statement: str) -> list[sqlite3.Row]:
            return connection.execute(statement).fetchall()

        connection.execute("BEGIN")
        return Contents(
            integrity=rows("PRAGMA integrity_check")[0][0],
            prompts={row["id"]: dict(row) for row in rows("SELECT * FROM prompts")},
            texts={
                row["id"]: text_of(json.loads(row["request"]))
                for row in rows("SELECT id, request FROM prompts JOIN requests USING (seq)")
            },
            answers={
                row["id"]: json.loads(row["answer"])
                for row in rows("SELECT id, answer FROM prompts JOIN answers USING (seq)")
            },
            keys={row["key"]: row["prompt_id"] for row in rows("SELECT key, prompt_id FROM idempotency_keys")},
            orphans=rows(
                """
                SELECT count(*) FROM (
                    SELECT seq FROM requests UNION SELECT seq FROM answers UNION SELECT seq FROM partials
                ) LEFT JOIN prompts USING (seq)
                WHERE id IS NULL
                """
            )[0][0],
            counters=Counter(
                {(row["status"], row["priority"]): row["prompts"] for row in rows("SELECT * FROM counters")}
            ),
            miscounted=[row[0] for row in rows(MISCOUNTED)],
            owners={row["owner"]: row["name"] for row in rows("SELECT owner, name FROM owners")},
        )
