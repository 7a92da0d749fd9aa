"""The verbs of PromptQueue in memory."""

import uuid
from dataclasses import replace

from promptqueue.errors import (
    ClaimLost,
    IdempotencyConflict,
    NotRetryable,
    PromptDeleted,
    QueueFull,
    QuotaExceeded,
    StorageFull,
)
from promptqueue.lifecycle import ANSWER_KEPT, CANCELLED, KEY_LIFETIME, Next, after, why_not_retryable
from promptqueue.notes import Text
from promptqueue.owners.owner import EVERYBODY, PAGES
from promptqueue.prompt import Answered, Claim, Enqueued, Outcome, Page, Priority, Progress, Prompt, Status
from promptqueue.stored import storable, stored_json, stored_object

from .care import DAY, UNHELD, Care
from .owners import Owners
from .state import Key, Row

UNBEGUN = dict.fromkeys(["outcome", "tokens", "started_at", "completed_at", "error", "last_error"])


class Asking(Care):
    """The verbs of whoever asks."""

    def enqueue(self, *new, **bounds):
        with self.transaction():
            return [self._replayed(one) or self._accept(one, **bounds) for one in new]

    def get(self, prompt_id):
        return self._shown(self._row(prompt_id))

    def origin(self, prompt_id):
        return self._row(prompt_id).origin

    def position(self, prompt_id):
        return self._places().get(prompt_id)

    def progress_of(self, prompt_ids):
        rows, places = [self._state.rows[one] for one in prompt_ids if one in self._state.rows], self._places()
        return [
            Progress(
                prompt=self._shown(row),
                position=places.get(row.prompt.id),
                text_attempt=row.text_attempt,
                text_length=len(row.text),
            )
            for row in rows
        ]

    def moves(self):
        return self._state.moves

    def request(self, prompt_id):
        return stored_object(self._row(prompt_id).request)

    def answer(self, prompt_id):
        return stored_object(self._row(prompt_id).answer)

    def partial(self, prompt_id):
        text = self.text(prompt_id)
        return text.text if text else ""

    def text(self, prompt_id):
        row = self._state.rows.get(prompt_id)
        return Text(prompt_id, row.text_attempt, 0, row.text) if row and row.text_attempt else None

    def newest(self, *, metadata_key=None, limit=50, before=None, since=None, until=None, **wanted):
        found = [
            row
            for row in sorted(self._state.rows.values(), key=lambda row: -row.seq)
            if all(value in (None, getattr(row.prompt, name)) for name, value in wanted.items())
            and (before is None or row.seq < before)
            and (since is None or row.waiting_since >= since)
            and (until is None or row.waiting_since < until)
            and (metadata_key is None or metadata_key in (row.prompt.metadata or {}))
        ]
        return Page(
            prompts=[self._shown(row) for row in found[:limit]],
            next=found[limit - 1].seq if len(found) > limit else None,
        )

    def cancel(self, prompt_id):
        with self.transaction():
            row = self._row(prompt_id)
            if row.prompt.status is not Status.COMPLETED:
                self._complete(row, Outcome.CANCELLED, CANCELLED)
            return self.get(prompt_id)

    def retry(self, prompt_id, **bounds):
        with self.transaction():
            row = self._row(prompt_id)
            if row.prompt.status is not Status.COMPLETED:
                return self._shown(row)
            if reason := why_not_retryable(row.prompt, is_erased=row.request is None):
                raise NotRetryable(reason)
            self._refuse(row.prompt.owner, 0, **bounds)
            now, expires_at = self._clock.wall(), row.prompt.expires_at
            if expires_at is not None:
                expires_at += now - row.waiting_since
            again = {"status": Status.QUEUED, "failures": 0, "retried_at": now, "expires_at": expires_at, **UNBEGUN}
            return self._shown(
                self._join(
                    replace(row.prompt, **again),
                    row.request,
                    text=row.text,
                    text_attempt=row.text_attempt,
                    size=row.size,
                    origin=row.origin and replace(row.origin, **UNHELD),
                )
            )

    def reattach(self, face, fingerprint, *, holder, owner=EVERYBODY):
        if not self._left_behind(face, fingerprint, owner):
            return None
        with self.transaction():
            row = max(self._left_behind(face, fingerprint, owner), key=lambda row: row.seq, default=None)
            return row and self._shown(self._keep(replace(row, origin=replace(row.origin, holder=holder))))

    def let_go(self, prompt_id):
        with self.transaction():
            if prompt_id in self._state.rows:
                self._let_go(self._row(prompt_id))

    def delete(self, prompt_id):
        with self.transaction():
            row = self._row(prompt_id)
            if row.prompt.status is not Status.COMPLETED:
                row = self._complete(row, Outcome.CANCELLED, CANCELLED)
            self._erase(row)
            self._changed.add(prompt_id)

    def _accept(self, new, **bounds):
        request, echo = stored_json(new.request), stored_json(new.origin.echo) if new.origin else ""
        size, now = len((request + echo).encode()), self._clock.wall()
        self._refuse(new.owner, size, **bounds)
        prompt = Prompt(
            id=str(uuid.uuid4()),
            status=Status.QUEUED,
            priority=Priority(new.priority),
            attempt=0,
            failures=0,
            created_at=now,
            expires_at=None if new.expires_in is None else now + new.expires_in,
            metadata=None if new.metadata is None else stored_object(stored_json(new.metadata)),
            timeout=new.timeout,
            overdue=False,
            owner=new.owner,
            **UNBEGUN,
        )
        row = self._join(prompt, request, size=size, origin=new.origin and self._stored_origin(new.origin))
        if new.idempotency:
            self._work.keys[new.owner, new.idempotency.key] = Key(new.idempotency.fingerprint, prompt.id, now)
        return Enqueued(prompt=self._shown(row), position=self.position(prompt.id))

    def _left_behind(self, face, fingerprint, owner):
        since = self._clock.wall() - ANSWER_KEPT
        return [
            row
            for row in self._state.rows.values()
            if row.origin
            and row.prompt.owner == owner
            and (row.origin.face, row.origin.fingerprint) == (face, fingerprint)
            and row.origin.holder not in self._storage.holders
            and (row.prompt.status is not Status.COMPLETED or row.prompt.completed_at > since)
        ]

    def _stored_origin(self, origin):
        held = {} if origin.holder else UNHELD
        return replace(origin, echo=stored_object(stored_json(origin.echo)), **held)

    def _join(self, prompt, request, **texts):
        """Let a prompt stand at the end of the line."""
        self._work.sequence += 1
        row = Row(seq=self._work.sequence, prompt=prompt, request=request, waiting_since=self._clock.wall(), **texts)
        return self._move(row)

    def _replayed(self, new):
        idempotency = new.idempotency
        key = idempotency and self._state.keys.get((new.owner, idempotency.key))
        now = self._clock.wall()
        if not key or (key.since <= now - KEY_LIFETIME and not self._was_just_set()):
            return None
        if key.prompt_id not in self._state.rows:
            raise PromptDeleted
        if key.fingerprint != idempotency.fingerprint:
            raise IdempotencyConflict
        row = self._row(key.prompt_id)
        if new.origin and new.origin.holder and row.origin and row.origin.holder:
            self._keep(replace(row, origin=replace(row.origin, holder=new.origin.holder)))
        return Enqueued(prompt=self._shown(row), position=self.position(row.prompt.id), replayed=True)

    def _places(self):
        places, turns = {}, self._state.turns
        for lane, owner in turns.turns:
            before = turns.waiting(Priority.INTERACTIVE) if lane is Priority.BATCH else 0
            for rank, row in enumerate(self._line_of(lane, owner), 1):
                places[row.prompt.id] = before + turns.place(lane, owner, rank)
        return places

    def _refuse(self, owner, size, *, max_queued=None, max_stored_bytes=None, min_free_bytes=None, **of_owner):
        if max_queued is not None and (waiting := len(self._line())) >= max_queued:
            message = f"The queue is full: {waiting} prompts wait, and {max_queued} may."
            raise QueueFull(message)
        if max_stored_bytes is not None and self.room().stored_bytes + size > max_stored_bytes:
            raise StorageFull
        if min_free_bytes is not None and self.room().disk_free_bytes - size < min_free_bytes:
            raise StorageFull
        self._refuse_owner(self.holdings(owner), size, **of_owner)

    def _refuse_owner(self, has, size, *, max_waiting=None, max_own_bytes=None, max_tokens_a_day=None):
        if max_waiting is not None and has.waiting >= max_waiting:
            message = f"Of your prompts {has.waiting} wait, and {max_waiting} may: wait."
            raise QuotaExceeded(message, limit="waiting")
        if max_own_bytes is not None and has.stored_bytes + size > max_own_bytes:
            raise QuotaExceeded(limit="stored_bytes")
        if max_tokens_a_day is not None and has.tokens_today >= max_tokens_a_day:
            raise QuotaExceeded(limit="tokens_a_day", retry_after=DAY - self._clock.wall() % DAY)


class MemoryQueue(Asking, Owners):
    """And those of a worker."""

    def claim(self, terms):
        if not self._next(terms):
            return None
        with self.transaction():
            row = self._next(terms)
            if not row:
                return None
            now, wall = self._clock.monotonic(), self._clock.wall()
            allowed = terms.timeout_seconds if row.prompt.timeout is None else row.prompt.timeout
            begun = {"status": Status.PROCESSING, "attempt": row.prompt.attempt + 1, "tokens": 0, "started_at": wall}
            row = self._move(
                row,
                {**begun, "server": terms.server or None},
                terms=terms,
                charged=self._work.turns.take(row.prompt.priority, row.prompt.owner),
                claimed_at=now,
                leased_until=now + terms.lease_seconds,
                run_until=now + min(allowed, terms.timeout_seconds),
                not_before=None,
            )
            request, trouble = stored_object(row.request), row.trouble(now)
            return Claim(prompt=self._shown(row), request=request, terms=terms, trouble=trouble)

    def renew(self, claim):
        with self.transaction():
            self._hold(claim)

    def write(self, claim, text, *, offset, tokens):
        with self.transaction():
            row = self._hold(claim)
            row = replace(row, prompt=replace(row.prompt, tokens=tokens))
            if text:
                before = row.text if row.text_attempt == claim.attempt else ""
                row = replace(row, text=before + storable(text), text_attempt=claim.attempt)
            self._keep(row)
            self._written.add(row.prompt.id)

    def stream_text(self, claim, text, *, offset):
        self._storage.say(Text(claim.prompt.id, claim.attempt, offset, storable(text)))

    def finish(self, claim, ending):
        to = after(
            ending,
            failures=claim.prompt.failures,
            max_failures=claim.terms.max_failures,
            bad_ends=claim.trouble.bad_ends,
        )
        with self.transaction():
            row = self._end(self._held(claim), to)
            if isinstance(ending, Answered):
                answer = stored_json(ending.record)
                row = replace(
                    row,
                    prompt=replace(row.prompt, tokens=ending.tokens, last_error=None),
                    answer=answer,
                    size=row.size + len(answer.encode()),
                    text="",
                    text_attempt=0,
                    ran_seconds=self._clock.monotonic() - row.claimed_at,
                )
            if to.outcome:
                self._count(row)
            return self._shown(self._keep(row))

    def release(self, claim, *, reason=None):
        with self.transaction():
            failures = claim.prompt.failures
            back = Next(status=Status.QUEUED, failures=failures, last_error=reason, is_charged=False)
            self._end(self._held(claim), back)

    def ping(self):
        """It is there."""

    def close(self):
        """Nothing is held."""

    def _next(self, terms):
        ready = (
            row
            for lane in self._state.turns.lanes_in_turn()
            for owner in self._state.turns.owners_in_turn(lane)
            if self._may_run_more(owner, terms)
            for row in self._line_of(lane, owner)
            if self._may_start(row)
        )
        return None if self._state.paused else next(ready, None)

    def _may_run_more(self, number, terms):
        [limits] = [owner.limits for owner in self._state.owners.values() if owner.number == number]
        most = terms.most_running if limits.running is None and number > PAGES else limits.running
        return most is None or len(self._running(number)) < most

    def _may_start(self, row):
        now, wall, expires_at = self._clock.monotonic(), self._clock.wall(), row.prompt.expires_at
        return (row.not_before is None or row.not_before <= now) and (expires_at is None or expires_at > wall)

    def _held(self, claim):
        row = self._state.rows.get(claim.prompt.id)
        if not row or row.prompt.status is not Status.PROCESSING or row.prompt.attempt != claim.attempt:
            raise ClaimLost
        return row

    def _hold(self, claim):
        leased_until = self._clock.monotonic() + claim.terms.lease_seconds
        return self._keep(replace(self._held(claim), leased_until=leased_until))
