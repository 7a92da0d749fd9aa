"""The end of an attempt: the statements by which a processing prompt is completed or goes back to its place.

And the one by which a prompt that waits or runs is cancelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from promptqueue.errors import ClaimLost
from promptqueue.lifecycle import Next
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.prompt import Outcome, PromptError
from promptqueue.stored import stored_text

COMPLETE = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall, lease_time() AS now),
    gone AS (
        DELETE FROM line USING clock
        WHERE seq = %(seq)s AND {guard}
        RETURNING line.*, clock.wall, clock.now,
                  CASE WHEN status = 'processing' AND %(is_charged)s THEN now - claimed_at END AS took
    ),
    kept AS (
        INSERT INTO ended
            (seq, owner, outcome, attempt, failures, tokens, started_at, completed_at, error_code, error_message,
             last_error, ran_seconds, server, bytes, answer)
        SELECT seq, owner, %(outcome)s, attempt, coalesce(%(failures)s, failures), coalesce(%(tokens)s, tokens),
               started_at, wall, %(code)s, %(message)s,
               CASE WHEN %(outcome)s <> 'succeeded' THEN coalesce(%(last_error)s, last_error) END,
               CASE WHEN %(outcome)s = 'succeeded' THEN took END, server, %(bytes)s, %(answer)s
        FROM gone
    ),
    dropped AS (DELETE FROM partials USING gone WHERE partials.seq = gone.seq AND %(outcome)s = 'succeeded'),
    closed AS (UPDATE holds SET is_open = false FROM gone WHERE holds.seq = gone.seq),
    counted AS (
        INSERT INTO endings
            (owner, day, outcome, prompt_tokens, tokens, seconds, waited, ran, boot, elapsed, wall, rested)
        SELECT owner, day_of(wall), %(outcome)s, %(prompt_tokens)s,
               coalesce(%(tokens)s, tokens, 0), greatest(0, coalesce(took, 0)),
               CASE status WHEN 'processing' THEN greatest(0, started_at - asked_at) END,
               CASE status WHEN 'processing' THEN greatest(0, coalesce(took, 0)) END,
               boot(), elapsed(), wall,
               CASE WHEN NOT EXISTS (SELECT FROM line WHERE status = 'queued' AND line.seq <> gone.seq)
               THEN (SELECT sum(moves) FROM counted) + (status = 'queued')::integer END
        FROM gone
    ),
    tallied AS (
        INSERT INTO tally (lane, owner, block, prompts, moves, bytes, completed)
        SELECT lane, owner, CASE status WHEN 'queued' THEN seq / 256 END, -(status = 'queued')::integer,
               (status = 'queued')::integer, %(bytes)s, 1
        FROM gone
    )
    SELECT tokens, wall,
           CASE status WHEN 'processing' THEN
               line_end(lane, owner, charged,
                        CASE WHEN took IS NULL THEN 0 ELSE greatest(500000, trunc(took * 1e6)::bigint) END)
           END AS charge
    FROM gone
"""
"""Into `ended`; who waited unclaimed owes nothing. It is charged what it took, half a second at least, or nothing."""

END = COMPLETE.format(guard="status = 'processing' AND attempt = %(attempt)s AND worker = %(worker)s")
CANCEL = COMPLETE.format(guard="true")
EXPIRE = COMPLETE.format(guard="status = 'queued'")

PUT_BACK = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall, lease_time() AS now),
    back AS (
        UPDATE line
        SET status = 'queued', failures = %(failures)s, tokens = NULL, started_at = NULL, worker = NULL,
            leased_until = NULL, run_until = NULL, lease_seconds = NULL,
            not_before = CASE WHEN %(delay)s > 0 THEN now + %(delay)s END,
            last_error = coalesce(%(last_error)s, last_error), bad_ends = bad_ends + %(is_bad_end)s::integer,
            bad_since = CASE WHEN %(is_bad_end)s THEN coalesce(bad_since, now) ELSE bad_since END,
            bad_at = CASE WHEN %(is_bad_end)s THEN now ELSE bad_at END
        FROM clock
        WHERE seq = %(seq)s AND status = 'processing' AND attempt = %(attempt)s AND worker = %(worker)s
        RETURNING line.*, clock.wall, clock.now,
                  CASE WHEN %(is_charged)s THEN greatest(500000, trunc((now - claimed_at) * 1e6)::bigint) ELSE 0 END
                      AS cost,
                  EXISTS (SELECT FROM line AS other WHERE other.status = 'queued' AND other.lane = line.lane
                          AND other.owner = line.owner) AS others_wait
    ),
    tallied AS (
        INSERT INTO tally (lane, owner, block, prompts, moves) SELECT lane, owner, seq / 256, 1, 1 FROM back
    )
    SELECT status, expires_at, tokens, wall, line_charge(lane, owner, NULL, charged, cost) AS charge,
           CASE WHEN NOT others_wait THEN line_charge(lane, owner, seq, NULL, NULL) END AS joined
    FROM back
"""


UNANSWERED: Mapping[str, object] = {"answer": None, "bytes": 0, "tokens": None, "prompt_tokens": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Which attempt of which prompt is meant, and whose it is: the fence against stale ones.

    After a fail-over that lost a claim its number may be given again, so that it is not enough.
    """

    prompt_id: str
    seq: int
    attempt: int
    worker: str


class AttemptVerbs(Verbs):
    """What the verbs share by which an attempt ends."""

    def _end(self, held: Held, to: Next, answer: Mapping[str, object] = UNANSWERED) -> Row:
        """Move a prompt from this very attempt to where it goes; its row. Raises ClaimLost when the attempt is over."""
        common = {
            "seq": held.seq,
            "attempt": held.attempt,
            "worker": held.worker,
            "failures": to.failures,
            "is_charged": to.is_charged,
            "last_error": to.last_error and stored_text(to.last_error),
        }
        if to.outcome is None:
            found = self._database.run(PUT_BACK, delay=to.delay, is_bad_end=to.is_bad_end, **common)
        else:
            found = self._database.run(
                END,
                outcome=to.outcome,
                code=to.error and to.error.code,
                message=to.error and stored_text(to.error.message),
                **answer,
                **common,
            )
        if not found:
            raise ClaimLost
        self._database.changed(held.prompt_id)
        return found[0]

    def _cancel(self, seq: int, prompt_id: str, error: PromptError) -> bool:
        """Cancel a prompt that waits or runs, saying why; whether it did either."""
        return self._complete(CANCEL, seq, prompt_id, Outcome.CANCELLED, error)

    def _complete(self, statement: str, seq: int, prompt_id: str, outcome: Outcome, error: PromptError) -> bool:
        found = self._database.run(
            statement,
            seq=seq,
            outcome=outcome,
            code=error.code,
            message=stored_text(error.message),
            failures=None,
            last_error=None,
            is_charged=True,
            **UNANSWERED,
        )
        if found:
            self._database.changed(prompt_id)
        return bool(found)
