"""The verbs of a worker: claim, renew, write, finish, release."""

from promptqueue.errors import ClaimLost
from promptqueue.lifecycle import Next, after
from promptqueue.notes import Text
from promptqueue.prompt import Answered, Claim, Ending, ErrorCode, Failed, Prompt, PutBack, Status, Terms
from promptqueue.sqlite.host.datagrams import LARGEST_DATAGRAM
from promptqueue.sqlite.verbs import line, rows
from promptqueue.sqlite.verbs.attempt import AttemptVerbs
from promptqueue.sqlite.verbs.owners.usage import count_prompt_tokens
from promptqueue.stored import storable, stored_json, stored_object

UNREADABLE = Failed(
    cause="The prompt's request cannot be read any more: its row in the queue's database is damaged.",
    code=ErrorCode.ATTEMPTS_EXHAUSTED,
)

UNREADABLE_AT_ONCE = 100  # prompts that one claim ends because they cannot be read: a longer lock would be felt


class WorkerVerbs(AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def claim(self, terms: Terms) -> Claim | None:
        if not line.lanes_in_turn(self._database):  # an idle worker asks every second
            return None
        with self._database.transaction():
            for _ in range(UNREADABLE_AT_ONCE):
                row = line.take_next(self._database, self._clock, terms)
                if row is None:
                    return None
                self._database.changed(row["id"])
                prompt, request = rows.prompt(row, self._clock), stored_object(row["request"])
                if request is not None:
                    return Claim(prompt=prompt, request=request, terms=terms, trouble=rows.trouble(row, self._clock))
                to = after(UNREADABLE, failures=prompt.failures, max_failures=terms.max_failures)
                self._end(prompt.id, prompt.attempt, to)
            return None

    def renew(self, claim: Claim) -> None:
        # Not durable: a lease is worth nothing after a power cut anyway.
        with self._database.transaction(durable=False):
            self._hold(claim, tokens=None)

    def write(self, claim: Claim, text: str, *, offset: int, tokens: int) -> None:
        with self._database.transaction(durable=False):
            seq = self._hold(claim, tokens=tokens)
            if text:
                self._append(claim, text, seq=seq, offset=offset)
            self._database.written(claim.prompt.id)

    def stream_text(self, claim: Claim, text: str, *, offset: int) -> None:
        if len(text) <= LARGEST_DATAGRAM:  # else not even looked at: it may have megabytes
            self._database.files.sender.send_text(Text(claim.prompt.id, claim.attempt, offset, storable(text)))

    def finish(self, claim: Claim, ending: Ending) -> Prompt:
        failures, max_failures = claim.prompt.failures, claim.terms.max_failures
        to = after(ending, failures=failures, max_failures=max_failures, bad_ends=claim.trouble.bad_ends)
        with self._database.transaction():
            match ending:
                case Answered(record=record, tokens=tokens):
                    answer = stored_json(record)
                    row = self._end(
                        claim.prompt.id, claim.attempt, to, tokens=tokens, bytes_of_answer=rows.bytes_of(answer)
                    )
                    self._database.run(
                        "INSERT INTO answers (seq, answer) VALUES (:seq, :answer)", seq=row["seq"], answer=answer
                    )
                    count_prompt_tokens(self._database, row, ending.prompt_tokens)
                    self._database.run("DELETE FROM partials WHERE seq = :seq", seq=row["seq"])
                case Failed() | PutBack():
                    row = self._end(claim.prompt.id, claim.attempt, to)
            return rows.prompt(row, self._clock)

    def release(self, claim: Claim, *, reason: str | None = None) -> None:
        with self._database.transaction():
            to = Next(status=Status.QUEUED, failures=claim.prompt.failures, last_error=reason, is_charged=False)
            self._end(claim.prompt.id, claim.attempt, to)

    def _hold(self, claim: Claim, *, tokens: int | None) -> int:
        held = self._database.run(
            """
            UPDATE prompts
            SET leased_until = :now + :lease, tokens = coalesce(:tokens, tokens)
            WHERE id = :id AND status = 'processing' AND attempt = :attempt
            RETURNING seq
            """,
            id=claim.prompt.id,
            attempt=claim.attempt,
            now=self._clock.monotonic(),
            lease=claim.terms.lease_seconds,
            tokens=tokens,
        )
        if not held:
            raise ClaimLost
        return int(held[0]["seq"])

    def _append(self, claim: Claim, text: str, *, seq: int, offset: int) -> None:
        if offset == 0:
            self._database.run(
                "DELETE FROM partials WHERE seq = :seq AND attempt < :attempt", seq=seq, attempt=claim.attempt
            )
        self._database.run(
            """
            INSERT INTO partials (seq, attempt, offset, text, length) VALUES (:seq, :attempt, :offset, :text, :length)
            """,
            seq=seq,
            attempt=claim.attempt,
            offset=offset,
            text=storable(text),
            length=len(text),
        )
