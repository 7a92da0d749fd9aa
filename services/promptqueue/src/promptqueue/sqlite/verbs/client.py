"""The verbs by which a client changes something: enqueue, cancel, retry, delete."""

import uuid
from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import IdempotencyConflict, NotRetryable, PromptDeleted, QueueFull
from promptqueue.lifecycle import CANCELLED, KEY_LIFETIME, why_not_retryable
from promptqueue.prompt import Enqueued, NewPrompt, Prompt, Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import line, origins, rows
from promptqueue.sqlite.verbs.attempt import AttemptVerbs
from promptqueue.sqlite.verbs.timekeeping import Timekeeping
from promptqueue.sqlite.verbs.whole.minutes import count_end
from promptqueue.stored import stored_json


class ClientVerbs(Timekeeping, AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def enqueue(self, *new: NewPrompt, **bounds: Unpack[Bounds]) -> list[Enqueued]:
        # A single prompt is refused before anything of it is written.
        with self._database.transaction(undoes=len(new) > 1):
            return [self._replayed(each) or self._enqueue(each, bounds) for each in new]

    def cancel(self, prompt_id: str) -> Prompt:
        with self._database.transaction():
            row = self._cancel(prompt_id, CANCELLED) or rows.find(self._database, prompt_id)
            return rows.prompt(row, self._clock)

    def retry(self, prompt_id: str, *, max_queued: int | None = None) -> Prompt:
        with self._database.transaction():
            row = rows.find(self._database, prompt_id)
            prompt = rows.prompt(row, self._clock)
            if prompt.status is not Status.COMPLETED:
                return prompt
            if reason := why_not_retryable(prompt, is_erased=row["erased_at"] is not None):
                raise NotRetryable(reason)
            self._refuse_full(sum(line.waiting(self._database).values()), max_queued)
            return rows.prompt(self._move_to_the_end(row), self._clock)

    def delete(self, prompt_id: str) -> None:
        with self._database.transaction():
            row = rows.find(self._database, prompt_id)
            if row["status"] == Status.PROCESSING:
                count_end(self._database, self._clock, row)
            with self._database.sparing():
                rows.erase(self._database, row["seq"])
            self._database.changed(prompt_id)
            self._database.journal.empty_after_commit()

    def _refuse_full(self, waiting: int, max_queued: int | None) -> None:
        if max_queued is not None and waiting >= max_queued:
            message = f"The queue is full: {waiting} prompts wait, and {max_queued} may."
            raise QueueFull(message)

    def _move_to_the_end(self, row: sqlite3.Row) -> sqlite3.Row:
        """Queue a completed prompt again. Its number is its place, so it gets the next one, and so do its texts."""
        last = line.new_number(self._database)
        self._database.run("UPDATE requests SET seq = :new WHERE seq = :old", new=last, old=row["seq"])
        self._database.run("UPDATE partials SET seq = :new WHERE seq = :old", new=last, old=row["seq"])
        [queued] = self._database.run(
            """
            UPDATE prompts
            SET seq = :new, status = 'queued', outcome = NULL, completed_at = NULL, started_at = NULL, tokens = NULL,
                failures = 0, bad_ends = 0, bad_since = NULL, bad_at = NULL, bad_boot = NULL,
                error_code = NULL, error_message = NULL, last_error = NULL, ran_seconds = NULL, queued_at = :now,
                expires_at = :now + (expires_at - coalesce(queued_at, created_at))
            WHERE seq = :old
            RETURNING *
            """,
            new=last,
            old=row["seq"],
            now=self._clock.wall(),
        )
        self._database.changed(row["id"])
        return queued

    def _enqueue(self, new: NewPrompt, bounds: Bounds) -> Enqueued:
        ahead = line.waiting(self._database)
        self._refuse_full(sum(ahead.values()), bounds.get("max_queued"))
        request, echo = stored_json(new.request), origins.written(new.origin)
        room.refuse(self._database, _bytes_of(request) + _bytes_of(echo), bounds)
        now, prompt_id = self._clock.wall(), str(uuid.uuid4())
        [row] = self._database.run(
            """
            INSERT OR FAIL INTO prompts (id, priority, status, created_at, expires_at, timeout_seconds, metadata, owner)
            VALUES (:id, :priority, 'queued', :now, :expires_at, :timeout, :metadata, :owner)
            RETURNING *
            """,
            id=prompt_id,
            priority=new.priority,
            now=now,
            expires_at=None if new.expires_in is None else now + new.expires_in,
            timeout=new.timeout,
            metadata=None if new.metadata is None else stored_json(new.metadata),
            owner=new.owner,
        )
        self._database.run(
            "INSERT INTO requests (seq, request) VALUES (:seq, :request)", seq=row["seq"], request=request
        )
        if new.origin:
            origins.store(self._database, row["seq"], new.origin, echo)
        if new.idempotency:
            self._database.run(
                """
                INSERT INTO idempotency_keys (key, fingerprint, prompt_id, created_at)
                VALUES (:key, :fingerprint, :id, :now)
                ON CONFLICT (key) DO UPDATE
                SET fingerprint = excluded.fingerprint, prompt_id = excluded.prompt_id, created_at = excluded.created_at
                """,
                key=new.idempotency.key,
                fingerprint=new.idempotency.fingerprint,
                id=prompt_id,
                now=now,
            )
        self._database.changed(prompt_id)
        return Enqueued(prompt=rows.prompt(row, self._clock), position=line.newcomers_place(ahead, new.priority))

    def _replayed(self, new: NewPrompt) -> Enqueued | None:
        idempotency = new.idempotency
        if idempotency is None:
            return None
        known = self._database.run(
            """
            SELECT idempotency_keys.fingerprint, idempotency_keys.created_at AS known_since, prompts.*
            FROM idempotency_keys LEFT JOIN prompts ON prompts.id = prompt_id
            WHERE key = :key
            """,
            key=idempotency.key,
        )
        now = self._clock.wall()
        if not known or (known[0]["known_since"] <= now - KEY_LIFETIME and not self._was_just_set(now)):
            return None
        if known[0]["id"] is None:
            raise PromptDeleted
        if known[0]["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyConflict
        prompt = rows.prompt(known[0], self._clock)
        origins.take_over(self._database, prompt.id, new.origin)
        position = line.places(self._database, [prompt.id])[0]["position"] if prompt.status is Status.QUEUED else None
        return Enqueued(prompt=prompt, position=position, replayed=True)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
