"""The verb by which prompts are accepted: enqueue."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import IdempotencyConflict, PromptDeleted
from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Enqueued, NewPrompt, Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import line, origins, rows
from promptqueue.sqlite.verbs.owners.holdings import HoldingVerbs
from promptqueue.sqlite.verbs.timekeeping import Timekeeping
from promptqueue.stored import stored_json

OF = "\x1f"  # between an owner and its key: no client can send it


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """A new prompt with its texts as they are to be stored."""

    new: NewPrompt
    request: str
    echo: str
    metadata: str | None
    size: int  # of request and echo


class SubmissionVerbs(HoldingVerbs, Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def enqueue(self, *new: NewPrompt, **bounds: Unpack[Bounds]) -> list[Enqueued]:
        drafts = [_draft(each) for each in new]
        # All is looked at before anything is written, so there is nothing to undo: within a savepoint, statements that
        # have triggers take the longer the more was written before.
        with self._database.transaction(undoes=False):
            fresh = self._fresh(drafts)
            self._refuse(fresh.values(), bounds)
            return [
                (None if place in fresh else self._replayed(draft.new)) or self._accept(draft)
                for place, draft in enumerate(drafts)
            ]

    def _fresh(self, drafts: Iterable[_Draft]) -> dict[int, _Draft]:
        """Give, by their places, those that were not accepted before; of one Idempotency-Key the first."""
        fresh: dict[int, _Draft] = {}
        firsts: dict[str, _Draft] = {}
        for place, draft in enumerate(drafts):
            if self._known(draft.new) is not None:
                continue
            key = _stored_key(draft.new)
            first = draft if key is None else firsts.setdefault(key, draft)
            if first is draft:
                fresh[place] = draft
            elif first.new.idempotency != draft.new.idempotency:
                raise IdempotencyConflict
        return fresh

    def _refuse(self, fresh: Collection[_Draft], bounds: Bounds) -> None:
        if not fresh:
            return
        line.refuse(self._database, len(fresh), bounds)
        room.refuse(self._database, [each.size for each in fresh], bounds)
        of_owners = defaultdict[int, list[int]](list)
        for each in fresh:
            of_owners[each.new.owner].append(each.size)
        for owner, sizes in of_owners.items():
            self._refuse_owner(owner, sizes, bounds)

    def _accept(self, draft: _Draft) -> Enqueued:
        new, now, prompt_id = draft.new, self._clock.wall(), str(uuid.uuid4())
        [row] = self._database.run(
            """
            INSERT OR FAIL INTO prompts
                (id, priority, status, created_at, expires_at, timeout_seconds, metadata, owner, bytes)
            VALUES (:id, :priority, 'queued', :now, :expires_at, :timeout, :metadata, :owner, :bytes)
            RETURNING *
            """,
            id=prompt_id,
            priority=new.priority,
            now=now,
            expires_at=None if new.expires_in is None else now + new.expires_in,
            timeout=new.timeout,
            metadata=draft.metadata,
            owner=new.owner,
            bytes=draft.size,
        )
        self._database.run(
            "INSERT INTO requests (seq, request) VALUES (:seq, :request)", seq=row["seq"], request=draft.request
        )
        if new.origin:
            origins.store(self._database, row["seq"], new.origin, draft.echo)
        if new.idempotency:
            self._database.run(
                """
                INSERT INTO idempotency_keys (key, fingerprint, prompt_id, created_at)
                VALUES (:key, :fingerprint, :id, :now)
                ON CONFLICT (key) DO UPDATE
                SET fingerprint = excluded.fingerprint, prompt_id = excluded.prompt_id, created_at = excluded.created_at
                """,
                key=_stored_key(new),
                fingerprint=new.idempotency.fingerprint,
                id=prompt_id,
                now=now,
            )
        self._database.changed(prompt_id)
        position = line.newcomers_place(self._database, new.priority, new.owner)
        return Enqueued(prompt=rows.prompt(row, self._clock), position=position)

    def _replayed(self, new: NewPrompt) -> Enqueued | None:
        row = self._known(new)
        if row is None:
            return None
        prompt = rows.prompt(row, self._clock)
        origins.take_over(self._database, prompt.id, new.origin)
        position = line.places(self._database, [prompt.id])[0]["position"] if prompt.status is Status.QUEUED else None
        return Enqueued(prompt=prompt, position=position, replayed=True)

    def _known(self, new: NewPrompt) -> sqlite3.Row | None:
        """Find the prompt that was accepted with this one's Idempotency-Key."""
        idempotency = new.idempotency
        if idempotency is None:
            return None
        known = self._database.run(
            """
            SELECT idempotency_keys.fingerprint, idempotency_keys.created_at AS known_since, prompts.*
            FROM idempotency_keys LEFT JOIN prompts ON prompts.id = prompt_id
            WHERE key = :key
            """,
            key=_stored_key(new),
        )
        now = self._clock.wall()
        if not known or (known[0]["known_since"] <= now - KEY_LIFETIME and not self._was_just_set(now)):
            return None
        if known[0]["id"] is None:
            raise PromptDeleted
        if known[0]["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyConflict
        return known[0]


def _draft(new: NewPrompt) -> _Draft:
    request, echo = stored_json(new.request), origins.written(new.origin)
    return _Draft(
        new=new,
        request=request,
        echo=echo,
        metadata=None if new.metadata is None else stored_json(new.metadata),
        size=rows.bytes_of(request) + rows.bytes_of(echo),
    )


def _stored_key(new: NewPrompt) -> str | None:
    """Give the name under which an Idempotency-Key is kept: owners that have a key each have names of their own."""
    if new.idempotency is None:
        return None
    if new.owner == EVERYBODY:
        return new.idempotency.key
    return f"{new.owner}{OF}{new.idempotency.key}"
