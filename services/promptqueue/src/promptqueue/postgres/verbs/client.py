"""The verbs by which a client changes what was accepted: cancel, retry, delete."""

from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import NotRetryable
from promptqueue.lifecycle import CANCELLED, why_not_retryable
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs import line, rows
from promptqueue.postgres.verbs.attempt import AttemptVerbs
from promptqueue.postgres.verbs.owners.holdings import HoldingVerbs
from promptqueue.prompt import Prompt, Status

QUEUE_AGAIN = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall),
    gone AS (DELETE FROM ended WHERE seq = %(seq)s RETURNING attempt, bytes, server),
    moved AS (
        UPDATE prompts
        SET seq = nextval(pg_get_serial_sequence('prompts', 'seq')), queued_at = wall,
            expires_at = wall + (expires_at - coalesce(queued_at, created_at))
        FROM clock, gone
        WHERE prompts.seq = %(seq)s
        RETURNING prompts.*
    ),
    texts AS (UPDATE partials SET seq = moved.seq FROM moved WHERE partials.seq = %(seq)s),
    held AS (DELETE FROM holds USING moved WHERE holds.seq = %(seq)s),
    queued AS (
        INSERT INTO line (seq, owner, lane, status, attempt, asked_at, expires_at, timeout_seconds, server)
        SELECT moved.seq, owner, lane, 'queued', gone.attempt, queued_at, expires_at, timeout_seconds, gone.server
        FROM moved CROSS JOIN gone
    ),
    counted AS (
        INSERT INTO tally (lane, owner, block, prompts, moves, bytes, completed)
        SELECT lane, owner, moved.seq / 256, 1, 1, -gone.bytes, -1 FROM moved CROSS JOIN gone
    )
    SELECT seq,
           CASE WHEN NOT EXISTS (
               SELECT FROM line
               WHERE status = 'queued' AND line.lane = moved.lane AND line.owner = moved.owner AND line.seq <> moved.seq
           ) THEN line_charge(lane, owner, seq, NULL, NULL) END AS joined
    FROM moved
"""
"""Its number is its place, so it gets the next one, and so do its texts."""


class ClientVerbs(HoldingVerbs, AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def cancel(self, prompt_id: str) -> Prompt:
        while True:
            row = rows.find(self._database, prompt_id)
            if row["status"] == Status.COMPLETED:
                return rows.prompt(row)
            self._cancel(row["seq"], prompt_id, CANCELLED)  # unless somebody else has just moved it

    def retry(self, prompt_id: str, **bounds: Unpack[Bounds]) -> Prompt:
        with self._database.transaction():
            row = rows.find(self._database, prompt_id)
            prompt = rows.prompt(row)
            if prompt.status is not Status.COMPLETED:
                return prompt
            if reason := why_not_retryable(prompt, is_erased=row["is_erased"]):
                raise NotRetryable(reason)
            self._refuse_another(row, bounds)
            if self._database.run(QUEUE_AGAIN, seq=row["seq"]):
                self._database.changed(prompt_id)
            return rows.prompt(rows.find(self._database, prompt_id))

    def delete(self, prompt_id: str) -> None:
        with self._database.transaction():
            while True:
                row = rows.find(self._database, prompt_id)
                self._cancel(row["seq"], prompt_id, CANCELLED)
                if rows.erase(self._database, row["seq"]):
                    break  # else somebody else has just moved it
            self._database.changed(prompt_id)

    def _refuse_another(self, row: Row, bounds: Bounds) -> None:
        owner = row["owner"]
        self._refuse({owner: [0]}, line.read_for(self._database, [owner], 1, bounds), bounds)
