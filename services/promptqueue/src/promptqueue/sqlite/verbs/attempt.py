"""The end of an attempt: the one statement by which a processing prompt is completed or goes back to its place.

And the one by which a prompt that waits or runs is cancelled.
"""

from promptqueue.errors import ClaimLost
from promptqueue.lifecycle import Next
from promptqueue.prompt import PromptError
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.sqlite.verbs.whole.minutes import count_end
from promptqueue.stored import storable


class AttemptVerbs(Verbs):
    """What the verbs share by which an attempt ends."""

    def _end(
        self, prompt_id: str, attempt: int, to: Next, *, tokens: int | None = None, bytes_of_answer: int = 0
    ) -> sqlite3.Row:
        """Move a prompt from this very attempt to where it goes; its row. Raises ClaimLost when the attempt is over.

        Only success leaves `ran_seconds`, from which waiting times are estimated. `claimed_at` becomes the moment of
        the end, by which triggers know what the owner pays for, or nothing.
        """
        ended = self._database.run(
            """
            UPDATE prompts
            SET status = :status, outcome = :outcome, failures = :failures,
                error_code = :code, error_message = :message,
                tokens = CASE :status WHEN 'completed' THEN coalesce(:tokens, tokens) END,
                bytes = bytes + :bytes_of_answer,
                started_at = CASE :status WHEN 'completed' THEN started_at END,
                completed_at = CASE :status WHEN 'completed' THEN :wall END,
                ran_seconds = CASE :outcome WHEN 'succeeded' THEN :now - claimed_at END,
                claimed_at = CASE WHEN :is_charged AND boot = :boot THEN :now END,
                not_before = CASE WHEN :delay > 0 THEN :now + :delay END,
                last_error = CASE WHEN :outcome = 'succeeded' THEN NULL ELSE coalesce(:last_error, last_error) END,
                bad_ends = bad_ends + :is_bad_end,
                bad_since = CASE WHEN NOT :is_bad_end OR (bad_since IS NOT NULL AND bad_boot = :boot) THEN bad_since
                            ELSE :now END,
                bad_at = CASE WHEN :is_bad_end THEN :now ELSE bad_at END,
                bad_boot = CASE WHEN :is_bad_end THEN :boot ELSE bad_boot END,
                boot = :boot, worker = NULL, leased_until = NULL, run_until = NULL
            WHERE id = :id AND status = 'processing' AND attempt = :attempt
            RETURNING *
            """,
            id=prompt_id,
            attempt=attempt,
            status=to.status,
            outcome=to.outcome,
            failures=to.failures,
            code=to.error and to.error.code,
            message=to.error and storable(to.error.message),
            is_charged=int(to.is_charged),
            delay=to.delay,
            last_error=to.last_error and storable(to.last_error),
            is_bad_end=int(to.is_bad_end),
            tokens=tokens,
            bytes_of_answer=bytes_of_answer,
            wall=self._clock.wall(),
            now=self._clock.monotonic(),
            boot=self._clock.boot,
        )
        if not ended:
            raise ClaimLost
        self._database.changed(prompt_id)
        if to.outcome:
            count_end(self._database, self._clock, ended[0])
        return ended[0]

    def _cancel(self, prompt_id: str, error: PromptError) -> sqlite3.Row | None:
        """Cancel a prompt that waits or runs, saying why; its row, None where it does neither."""
        cancelled = self._database.run(
            """
            UPDATE prompts
            SET status = 'completed', outcome = 'cancelled', completed_at = :wall,
                error_code = :code, error_message = :message, ran_seconds = NULL,
                claimed_at = CASE WHEN boot = :boot THEN :now END,
                worker = NULL, boot = NULL, leased_until = NULL, run_until = NULL, not_before = NULL
            WHERE id = :id AND status IN ('queued', 'processing')
            RETURNING *
            """,
            id=prompt_id,
            wall=self._clock.wall(),
            now=self._clock.monotonic(),
            boot=self._clock.boot,
            code=error.code,
            message=error.message,
        )
        if not cancelled:
            return None
        self._database.changed(prompt_id)
        count_end(self._database, self._clock, cancelled[0])
        return cancelled[0]
