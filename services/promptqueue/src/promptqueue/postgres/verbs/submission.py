"""The verb by which prompts are accepted: enqueue."""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import IdempotencyConflict, PromptDeleted, StorageUnavailable
from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.owners.owner import EVERYBODY
from promptqueue.postgres.server.arrays import array
from promptqueue.postgres.server.database import Database, Row
from promptqueue.postgres.verbs import line, origins, rows
from promptqueue.postgres.verbs.lanes import NUMBER
from promptqueue.postgres.verbs.line import Line
from promptqueue.postgres.verbs.owners.holdings import HoldingVerbs
from promptqueue.postgres.verbs.whole.folding import fold
from promptqueue.postgres.verbs.whole.timekeeping import Timekeeping
from promptqueue.prompt import Enqueued, NewPrompt, Prompt, Status
from promptqueue.stored import stored_json, stored_object

FOLD_AFTER = 300  # commits: each reads the sums, and whoever looks after the queue folds them once a second alone

OF = "\x1f"  # between an owner and its key: no client can send it

ACCEPT = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(
            %(ids)s::uuid[], %(owners)s::integer[], %(lanes)s::smallint[], %(sizes)s::bigint[],
            %(expire_in)s::double precision[], %(timeouts)s::double precision[], %(metadata)s::text[],
            %(requests)s::text[], %(faces)s::text[], %(echos)s::text[], %(holders)s::text[], %(fingerprints)s::text[],
            %(are_kept)s::boolean[], %(keys)s::text[], %(key_prints)s::text[], %(are_first)s::boolean[],
            %(created_at)s::double precision[]
        ) WITH ORDINALITY AS asked (
            id, owner, lane, size, expires_in, timeout, metadata, request, face, echo, holder, fingerprint, is_kept,
            key, key_print, is_first, created_at, place
        )
    ),
    accepted AS (
        INSERT INTO prompts
            (id, owner, lane, bytes, created_at, expires_at, timeout_seconds, metadata, request, face, echo)
        SELECT id, owner, lane, size, created_at, created_at + expires_in, timeout, metadata, request, face, echo
        FROM asked ORDER BY place
        RETURNING seq, id, owner, lane, bytes, created_at, expires_at, timeout_seconds
    ),
    queued AS (
        INSERT INTO line (seq, owner, lane, status, asked_at, expires_at, timeout_seconds)
        SELECT seq, owner, lane, 'queued', created_at, expires_at, timeout_seconds FROM accepted
    ),
    held AS (
        INSERT INTO holds (seq, holder, fingerprint, is_kept)
        SELECT seq, holder, fingerprint, is_kept FROM accepted JOIN asked USING (id) WHERE holder IS NOT NULL
    ),
    keyed AS (
        INSERT INTO idempotency_keys AS known (key, fingerprint, prompt_id, created_at)
        SELECT key, key_print, id, created_at FROM asked WHERE key IS NOT NULL
        ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, prompt_id = excluded.prompt_id,
                                        created_at = excluded.created_at
    ),
    counted AS (
        INSERT INTO tally (lane, owner, block, prompts, moves, bytes)
        SELECT lane, owner, seq / 256, count(*), count(*), sum(bytes) FROM accepted GROUP BY lane, owner, seq / 256
    )
    SELECT line_charge(accepted.lane, accepted.owner, seq, NULL, NULL) AS joined
    FROM accepted JOIN asked USING (id) WHERE is_first ORDER BY seq
"""
"""`is_first` is the first of an owner of whom nothing waited."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """A new prompt with its texts as they are to be stored."""

    new: NewPrompt
    request: str
    echo: str | None
    metadata: str | None
    key: str | None  # the name under which its Idempotency-Key is kept
    size: int  # of request and echo

    @property
    def lane(self) -> int:
        return NUMBER[self.new.priority]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Accepted:
    """A draft that was accepted, before it is stored."""

    draft: _Draft
    id: str
    created_at: float
    is_first: bool


class SubmissionVerbs(HoldingVerbs, Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._accepted: list[_Accepted] = []  # in this transaction, and not stored yet
        self._commits = itertools.count(1)

    def enqueue(self, *new: NewPrompt, **bounds: Unpack[Bounds]) -> list[Enqueued]:
        drafts = [_draft(each) for each in new]
        if not drafts:
            return []
        if any(draft.key for draft in drafts):
            with self._database.transaction():
                return self._enqueue_known(drafts, bounds)
        if not self._database.is_in_transaction:
            stands = line.read(self._database, _owners(drafts))
            if line.is_close(stands, len(drafts), bounds):
                with self._database.transaction():
                    return self.enqueue(*new, **bounds)
            accepted = self._enqueue(drafts, stands, bounds)
            self._store()
            if not next(self._commits) % FOLD_AFTER:
                fold(self._database)
            return accepted
        return self._enqueue(drafts, line.read_for(self._database, _owners(drafts), len(drafts), bounds), bounds)

    def _enqueue_known(self, drafts: Sequence[_Draft], bounds: Bounds) -> list[Enqueued]:
        known = self._known(drafts)
        fresh = _fresh(drafts, known)
        accepted: dict[int, Enqueued] = {}
        if fresh:
            stands = line.read_for(self._database, _owners(fresh.values()), len(fresh), bounds)
            accepted = dict(zip(fresh, self._enqueue([*fresh.values()], stands, bounds), strict=True))
        if len(accepted) == len(drafts):
            return [*accepted.values()]
        ids = {key: str(row["prompt_id"]) for key, row in known.items()}
        ids |= {draft.key: accepted[place].prompt.id for place, draft in fresh.items() if draft.key}
        again = {ids[draft.key] for place, draft in enumerate(drafts) if place not in fresh and draft.key}
        stand = {str(row["id"]): row for row in line.places(self._database, again)}
        return [
            accepted[place] if place in fresh else self._replayed(stand[ids[draft.key or ""]], draft.new)
            for place, draft in enumerate(drafts)
        ]

    def _replayed(self, row: Row, new: NewPrompt) -> Enqueued:
        prompt = rows.prompt(row)
        origins.take_over(self._database, prompt.id, new.origin)
        return Enqueued(prompt=prompt, position=row["position"], replayed=True)

    def _enqueue(self, drafts: Sequence[_Draft], stands: Line, bounds: Bounds) -> list[Enqueued]:
        """Accept prompts, and store them together with others of this transaction before anything else is done in it.

        Each statement costs more than what a prompt adds to it.
        """
        sizes = defaultdict[int, list[int]](list)
        for draft in drafts:
            sizes[draft.new.owner].append(draft.size)
        self._refuse(sizes, stands, bounds)
        enqueued = []
        for draft in drafts:
            accepted = _Accepted(
                draft=draft,
                id=str(uuid.uuid4()),
                created_at=stands.wall,
                is_first=stands.is_new(draft.lane, draft.new.owner),
            )
            self._accepted.append(accepted)
            position = stands.join(draft.lane, draft.new.owner, draft.size)
            enqueued.append(Enqueued(prompt=_prompt(accepted), position=position))
        if self._database.is_in_transaction:
            self._database.defer(self._store, undo=self._accepted.clear)
        return enqueued

    def _store(self) -> None:
        accepted, self._accepted, kept = self._accepted, [], self._database.kept
        self._database.run(ACCEPT, **_columns(accepted))
        self._database.keep(kept)
        for each in accepted:
            self._database.changed(each.id)

    def _known(self, drafts: Collection[_Draft]) -> dict[str, Row]:
        """Find, by their keys, what was accepted before. Until the commit nobody else accepts anything with these.

        Raises PromptDeleted, IdempotencyConflict.
        """
        keys = {draft.key for draft in drafts if draft.key}
        is_met = any(each.draft.key in keys for each in self._accepted if each.draft.key)
        found = (self._database.run if is_met else self._database.look)(
            "SELECT * FROM known_keys(%(keys)s::text[])",
            keys=array(keys),
        )
        if any(row["key"] is None for row in found):
            message = "The same Idempotency-Key is just being accepted by another process: send it again."
            raise StorageUnavailable(message)
        is_doubted = any(row["age"] >= KEY_LIFETIME for row in found) and self._was_just_set()
        known = {row["key"]: row for row in found if is_doubted or row["age"] < KEY_LIFETIME}
        for draft in drafts:
            row = known.get(draft.key or "")
            if row is None or draft.new.idempotency is None:
                continue
            if not row["is_there"]:
                raise PromptDeleted
            if row["fingerprint"] != draft.new.idempotency.fingerprint:
                raise IdempotencyConflict
        return known


def _fresh(drafts: Sequence[_Draft], known: Mapping[str, Row]) -> dict[int, _Draft]:
    """Give, by their places, those that were not accepted before; of one Idempotency-Key the first."""
    fresh: dict[int, _Draft] = {}
    firsts: dict[str, _Draft] = {}
    for place, draft in enumerate(drafts):
        if draft.key in known:
            continue
        first = draft if draft.key is None else firsts.setdefault(draft.key, draft)
        if first is draft:
            fresh[place] = draft
        elif first.new.idempotency != draft.new.idempotency:
            raise IdempotencyConflict
    return fresh


def _owners(drafts: Collection[_Draft]) -> set[int]:
    return {draft.new.owner for draft in drafts}


def _columns(accepted: Collection[_Accepted]) -> dict[str, str]:
    drafts = [each.draft for each in accepted]
    news = [draft.new for draft in drafts]
    origins = [new.origin for new in news]
    return {
        "ids": array(each.id for each in accepted),
        "created_at": array(each.created_at for each in accepted),
        "are_first": array(each.is_first for each in accepted),
        "owners": array(new.owner for new in news),
        "lanes": array(draft.lane for draft in drafts),
        "sizes": array(draft.size for draft in drafts),
        "expire_in": array(new.expires_in for new in news),
        "timeouts": array(new.timeout for new in news),
        "metadata": array(draft.metadata for draft in drafts),
        "requests": array(draft.request for draft in drafts),
        "faces": array(origin.face if origin else None for origin in origins),
        "echos": array(draft.echo for draft in drafts),
        "holders": array(origin.holder if origin else None for origin in origins),
        "fingerprints": array(origin.fingerprint if origin else None for origin in origins),
        "are_kept": array(origin is None or origin.is_kept for origin in origins),
        "keys": array(draft.key for draft in drafts),
        "key_prints": array(each.fingerprint if each else None for each in (new.idempotency for new in news)),
    }


def _prompt(accepted: _Accepted) -> Prompt:
    new, created_at = accepted.draft.new, accepted.created_at
    return Prompt(
        id=accepted.id,
        status=Status.QUEUED,
        outcome=None,
        priority=new.priority,
        attempt=0,
        failures=0,
        tokens=None,
        created_at=created_at,
        started_at=None,
        completed_at=None,
        expires_at=None if new.expires_in is None else created_at + new.expires_in,
        error=None,
        metadata=new.metadata and stored_object(accepted.draft.metadata),
        timeout=new.timeout,
        overdue=new.expires_in is not None and new.expires_in <= 0,
        owner=new.owner,
    )


def _draft(new: NewPrompt) -> _Draft:
    request = stored_json(new.request)
    echo = None if new.origin is None else stored_json(new.origin.echo)
    return _Draft(
        new=new,
        request=request,
        echo=echo,
        metadata=None if new.metadata is None else stored_json(new.metadata),
        key=_stored_key(new),
        size=rows.bytes_of(request) + rows.bytes_of(echo or ""),
    )


def _stored_key(new: NewPrompt) -> str | None:
    """Give the name under which an Idempotency-Key is kept: owners that have a key each have names of their own."""
    if new.idempotency is None:
        return None
    if new.owner == EVERYBODY:
        return new.idempotency.key
    return f"{new.owner}{OF}{new.idempotency.key}"
