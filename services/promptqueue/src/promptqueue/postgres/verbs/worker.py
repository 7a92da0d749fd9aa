"""The verbs of a worker: claim, renew, write, finish, release."""

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from promptqueue.errors import ClaimLost, StorageUnavailable
from promptqueue.lifecycle import Next, after
from promptqueue.notes import Text
from promptqueue.postgres.server.arrays import array
from promptqueue.postgres.server.database import Database, Row
from promptqueue.postgres.verbs import line, rows
from promptqueue.postgres.verbs.attempt import AttemptVerbs, Held
from promptqueue.prompt import Answered, Claim, Ending, ErrorCode, Failed, Outcome, Prompt, PutBack, Status, Terms
from promptqueue.stored import storable, stored_json, stored_object, stored_text

UNREADABLE = Failed(
    cause="The prompt's request cannot be read any more: its row in the queue's database is damaged.",
    code=ErrorCode.ATTEMPTS_EXHAUSTED,
)

UNREADABLE_AT_ONCE = 100  # prompts that one claim ends because they cannot be read: a longer lock would be felt

HOLD = """
    WITH relaxed AS MATERIALIZED (
        SELECT set_config('synchronous_commit', coalesce(%(commit)s, current_setting('synchronous_commit')), true)
    ),
    held AS (
        UPDATE line SET leased_until = lease_time() + %(lease)s, tokens = coalesce(%(tokens)s, tokens)
        FROM relaxed
        WHERE seq = %(seq)s AND status = 'processing' AND attempt = %(attempt)s AND worker = %(worker)s
        RETURNING seq, attempt
    ),
    earlier AS (
        DELETE FROM partials USING held
        WHERE %(at)s = 0 AND %(chars)s > 0 AND partials.seq = held.seq AND partials.attempt < held.attempt
    ),
    written AS (
        INSERT INTO partials (seq, attempt, at, chars, text)
        SELECT seq, attempt, %(at)s, %(chars)s, %(text)s FROM held
        WHERE %(chars)s > 0
          AND (%(at)s = 0 OR %(at)s = (
              SELECT before.at + before.chars FROM partials AS before
              WHERE before.seq = held.seq AND before.attempt = held.attempt AND before.at < %(at)s
              ORDER BY before.at DESC LIMIT 1
          ))
        ON CONFLICT (seq, attempt, at) DO UPDATE SET chars = excluded.chars, text = excluded.text
    )
    SELECT seq FROM held
"""
"""What was written, but not heard to be, may be written again. Alone it is a commit that a power cut may take back.

Nothing is written after what a server took back while its worker lived on: text with a gap would pass for the whole.
"""


UNHEARD = """
    SELECT line.seq, id, attempt, worker, failures FROM line JOIN prompts USING (seq)
    WHERE line.status = 'processing' AND ticket = ANY(%(tickets)s::text[])
    FOR UPDATE OF line
"""


class WorkerVerbs(AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._tickets = (f"{uuid.uuid4()} {number}" for number in itertools.count())
        self._unheard: set[str] = set()  # of claims that may have been committed, though nobody was told of it

    def claim(self, terms: Terms) -> Claim | None:
        self._give_back_unheard()
        for _ in range(UNREADABLE_AT_ONCE):
            row = self._take_next(terms)
            if row is None:
                return None
            prompt, request = rows.prompt(row), stored_object(row["request"])
            self._database.changed(prompt.id)
            claim = Claim(
                prompt=prompt, request=request or {}, terms=terms, trouble=rows.trouble(row), number=row["seq"]
            )
            if request is not None:
                return claim
            self._end(self._held(claim), after(UNREADABLE, failures=0, max_failures=terms.max_failures))
        return None

    def renew(self, claim: Claim) -> None:
        self._hold(claim, tokens=None)

    def write(self, claim: Claim, text: str, *, offset: int, tokens: int) -> None:
        self._hold(claim, tokens=tokens, text=text, offset=offset)
        self._database.written(claim.prompt.id)

    def stream_text(self, claim: Claim, text: str, *, offset: int) -> None:
        self._database.stream(Text(claim.prompt.id, claim.attempt, offset, storable(text)))

    def finish(self, claim: Claim, ending: Ending) -> Prompt:
        failures, max_failures = claim.prompt.failures, claim.terms.max_failures
        to = after(ending, failures=failures, max_failures=max_failures, bad_ends=claim.trouble.bad_ends)
        held = self._held(claim)
        match ending:
            case Answered(record=record, tokens=tokens):
                answer = stored_json(record)
                columns = {"answer": answer, "bytes": rows.bytes_of(answer), "tokens": tokens}
                row = self._end(held, to, {**columns, "prompt_tokens": ending.prompt_tokens})
                return _after(claim.prompt, to, row, tokens)
            case Failed() | PutBack():
                row = self._end(held, to)
                return _after(claim.prompt, to, row, row["tokens"])

    def release(self, claim: Claim, *, reason: str | None = None) -> None:
        to = Next(status=Status.QUEUED, failures=claim.prompt.failures, last_error=reason, is_charged=False)
        self._end(self._held(claim), to)

    def _take_next(self, terms: Terms) -> Mapping[str, Any] | None:
        ticket = next(self._tickets)
        try:
            row = line.take_next(self._database, terms, ticket)
        except StorageUnavailable:
            self._unheard.add(ticket)
            raise
        self._database.at_end(undone=lambda: self._unheard.add(ticket))
        return row

    def _give_back_unheard(self) -> None:
        """Give back what was claimed by a commit whose answer got lost: nobody works on it, and nobody shall pay."""
        if not self._unheard:
            return
        tickets, self._unheard = self._unheard, set()
        self._database.at_end(undone=lambda: self._unheard.update(tickets))
        try:
            unheard = self._database.run(UNHEARD, tickets=array(tickets))
        except StorageUnavailable:
            self._unheard |= tickets
            raise
        for row in unheard:
            held = Held(prompt_id=str(row["id"]), seq=row["seq"], attempt=row["attempt"], worker=row["worker"])
            self._end(held, Next(status=Status.QUEUED, failures=row["failures"], is_charged=False))

    def _hold(self, claim: Claim, *, tokens: int | None, text: str = "", offset: int = 0) -> None:
        held = self._held(claim)
        found = self._database.run(
            HOLD,
            commit=None if self._database.is_in_transaction else "off",
            seq=held.seq,
            attempt=held.attempt,
            worker=held.worker,
            lease=claim.terms.lease_seconds,
            tokens=tokens,
            at=offset,
            chars=len(text),
            text=stored_text(text),
        )
        if not found:
            raise ClaimLost

    def _held(self, claim: Claim) -> Held:
        number = claim.number
        if number is None:
            found = self._database.run("SELECT seq FROM prompts WHERE id = %(id)s", id=claim.prompt.id)
            if not found:
                raise ClaimLost
            number = found[0]["seq"]
        return Held(prompt_id=claim.prompt.id, seq=number, attempt=claim.attempt, worker=claim.terms.worker)


def _after(prompt: Prompt, to: Next, row: Row, tokens: int | None) -> Prompt:
    """Say where a prompt stands after its attempt, whose row this is."""
    is_over = to.outcome is not None
    last_error = None if to.outcome is Outcome.SUCCEEDED else to.last_error or prompt.last_error
    return replace(
        prompt,
        status=to.status,
        outcome=to.outcome,
        error=to.error and replace(to.error, message=storable(to.error.message)),
        failures=to.failures,
        tokens=tokens if is_over else None,
        started_at=prompt.started_at if is_over else None,
        completed_at=row["wall"] if is_over else None,
        overdue=not is_over and prompt.expires_at is not None and prompt.expires_at <= row["wall"],
        last_error=last_error and storable(last_error),
    )
