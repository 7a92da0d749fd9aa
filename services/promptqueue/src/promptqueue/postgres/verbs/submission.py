"""The verb by which prompts are accepted: enqueue."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import IdempotencyConflict, PromptDeleted, StorageFull
from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.owners.owner import EVERYBODY
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs import line, origins, rows
from promptqueue.postgres.verbs.lanes import NUMBER
from promptqueue.postgres.verbs.line import Line
from promptqueue.postgres.verbs.owners.holdings import HoldingVerbs
from promptqueue.postgres.verbs.whole.timekeeping import Timekeeping
from promptqueue.prompt import Enqueued, NewPrompt, Prompt, Status
from promptqueue.stored import stored_json, stored_object

OF = "\x1f"  # between an owner and its key: no client can send it

ACCEPT = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall),
    asked AS MATERIALIZED (
        SELECT * FROM unnest(
            %(ids)s::uuid[], %(owners)s::integer[], %(lanes)s::smallint[], %(sizes)s::bigint[],
            %(expire_in)s::double precision[], %(timeouts)s::double precision[], %(metadata)s::text[],
            %(requests)s::text[], %(faces)s::text[], %(echos)s::text[], %(holders)s::text[], %(fingerprints)s::text[],
            %(are_kept)s::boolean[], %(keys)s::text[], %(key_prints)s::text[], %(are_first)s::boolean[]
        ) WITH ORDINALITY AS asked (
            id, owner, lane, size, expires_in, timeout, metadata, request, face, echo, holder, fingerprint, is_kept,
            key, key_print, is_first, place
        )
    ),
    accepted AS (
        INSERT INTO prompts
            (id, owner, lane, bytes, created_at, expires_at, timeout_seconds, metadata, request, face, echo)
        SELECT id, owner, lane, size, wall, wall + expires_in, timeout, metadata, request, face, echo
        FROM asked CROSS JOIN clock ORDER BY place
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
        SELECT key, key_print, id, wall FROM asked CROSS JOIN clock WHERE key IS NOT NULL
        ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, prompt_id = excluded.prompt_id,
                                        created_at = excluded.created_at
    ),
    counted AS (
        INSERT INTO tally (lane, owner, block, prompts, moves, bytes)
        SELECT lane, owner, seq / 256, count(*), count(*), sum(bytes) FROM accepted GROUP BY lane, owner, seq / 256
    )
    SELECT accepted.seq, accepted.id, accepted.created_at, accepted.expires_at,
           CASE WHEN is_first THEN line_charge(accepted.lane, accepted.owner, seq, NULL, NULL) END AS joined
    FROM accepted JOIN asked USING (id) ORDER BY seq
"""
"""Of all of a group at once: each statement costs more than what a prompt adds to it. `is_first` is the first of an
owner of whom nothing waited."""

MB, GB = 10**6, 10**9


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


class SubmissionVerbs(HoldingVerbs, Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def enqueue(self, *new: NewPrompt, **bounds: Unpack[Bounds]) -> list[Enqueued]:
        drafts = [_draft(each) for each in new]
        if not drafts:
            return []
        if any(draft.key for draft in drafts):
            with self._database.transaction():
                return self._enqueue_known(drafts, bounds)
        stands = line.read(self._database, {draft.new.owner for draft in drafts})
        if not line.is_close(stands, len(drafts), bounds):
            return self._enqueue(drafts, stands, bounds)
        with self._database.transaction():
            return self._enqueue(drafts, line.read_exactly(self._database, _owners(drafts)), bounds)

    def _enqueue_known(self, drafts: Sequence[_Draft], bounds: Bounds) -> list[Enqueued]:
        known = self._known(drafts)
        fresh = _fresh(drafts, known)
        accepted: dict[int, Enqueued] = {}
        if fresh:
            stands = line.read(self._database, _owners(fresh.values()))
            if line.is_close(stands, len(fresh), bounds):
                stands = line.read_exactly(self._database, _owners(fresh.values()))
            accepted = dict(zip(fresh, self._enqueue([*fresh.values()], stands, bounds), strict=True))
        keys = {draft.key: accepted[place].prompt.id for place, draft in fresh.items() if draft.key}
        keys = {**{key: str(row["prompt_id"]) for key, row in known.items()}, **keys}
        replayed = {keys[draft.key] for place, draft in enumerate(drafts) if place not in fresh and draft.key}
        stand = {str(row["id"]): row for row in line.places(self._database, replayed)} if replayed else {}
        found = []
        for place, draft in enumerate(drafts):
            if draft.key and place not in fresh:
                row = stand[keys[draft.key]]
                origins.take_over(self._database, keys[draft.key], draft.new.origin)
                found.append(Enqueued(prompt=rows.prompt(row), position=row["position"], replayed=True))
            else:
                found.append(accepted[place])
        return found

    def _enqueue(self, drafts: Sequence[_Draft], stands: Line, bounds: Bounds) -> list[Enqueued]:
        self._refuse(drafts, stands, bounds)
        ids = [str(uuid.uuid4()) for _ in drafts]
        found = self._database.run(ACCEPT, ids=ids, are_first=_are_first(drafts, stands), **_columns(drafts))
        accepted = []
        for draft, row in zip(drafts, found, strict=True):
            position = stands.join(draft.lane, draft.new.owner, row["seq"], draft.size)
            accepted.append(Enqueued(prompt=_prompt(draft, row), position=position))
            self._database.changed(accepted[-1].prompt.id)
        self._database.keep(stands)
        return accepted

    def _refuse(self, drafts: Sequence[_Draft], stands: Line, bounds: Bounds) -> None:
        line.refuse(stands, len(drafts), bounds)
        of_owners = defaultdict[int, list[int]](list)
        for draft in drafts:
            of_owners[draft.new.owner].append(draft.size)
        for owner, sizes in of_owners.items():
            self._refuse_owner(owner, sizes, bounds)
        max_stored_bytes = bounds.get("max_stored_bytes")
        if max_stored_bytes is not None and stands.bytes + sum(draft.size for draft in drafts) > max_stored_bytes:
            message = (
                f"The queue stores {_size(stands.bytes)}, and {_size(max_stored_bytes)} is the most it may: "
                "delete prompts that are done with, or wait until older ones are erased."
            )
            raise StorageFull(message)

    def _known(self, drafts: Collection[_Draft]) -> dict[str, Row]:
        """Find, by their keys, what was accepted before. Until the commit nobody else accepts anything with these.

        Raises PromptDeleted, IdempotencyConflict.
        """
        found = self._database.run(
            """
            SELECT known.*, prompts.id, (SELECT wall()) - known.created_at AS age
            FROM known_keys(%(keys)s::text[]) AS known LEFT JOIN prompts ON prompts.id = known.prompt_id
            """,
            keys=sorted({draft.key for draft in drafts if draft.key}),
        )
        is_doubted = any(row["age"] >= KEY_LIFETIME for row in found) and self._was_just_set()
        known = {row["key"]: row for row in found if is_doubted or row["age"] < KEY_LIFETIME}
        for draft in drafts:
            row = known.get(draft.key or "")
            if row is None or draft.new.idempotency is None:
                continue
            if row["id"] is None:
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


def _are_first(drafts: Collection[_Draft], stands: Line) -> list[bool]:
    met = defaultdict[tuple[int, int], int](int)
    firsts = []
    for draft in drafts:
        where = draft.lane, draft.new.owner
        met[where] += 1
        firsts.append(met[where] == 1 and stands.is_new(*where))
    return firsts


def _owners(drafts: Collection[_Draft]) -> set[int]:
    return {draft.new.owner for draft in drafts}


def _columns(drafts: Collection[_Draft]) -> dict[str, list[object]]:
    news = [draft.new for draft in drafts]
    origins = [new.origin for new in news]
    return {
        "owners": [new.owner for new in news],
        "lanes": [draft.lane for draft in drafts],
        "sizes": [draft.size for draft in drafts],
        "expire_in": [new.expires_in for new in news],
        "timeouts": [new.timeout for new in news],
        "metadata": [draft.metadata for draft in drafts],
        "requests": [draft.request for draft in drafts],
        "faces": [origin and origin.face for origin in origins],
        "echos": [draft.echo for draft in drafts],
        "holders": [origin and origin.holder for origin in origins],
        "fingerprints": [origin and origin.fingerprint for origin in origins],
        "are_kept": [origin is None or origin.is_kept for origin in origins],
        "keys": [draft.key for draft in drafts],
        "key_prints": [new.idempotency and new.idempotency.fingerprint for new in news],
    }


def _prompt(draft: _Draft, row: Row) -> Prompt:
    return Prompt(
        id=str(row["id"]),
        status=Status.QUEUED,
        outcome=None,
        priority=draft.new.priority,
        attempt=0,
        failures=0,
        tokens=None,
        created_at=row["created_at"],
        started_at=None,
        completed_at=None,
        expires_at=row["expires_at"],
        error=None,
        metadata=stored_object(draft.metadata),
        timeout=draft.new.timeout,
        overdue=row["expires_at"] is not None and row["expires_at"] <= row["created_at"],
        owner=draft.new.owner,
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


def _size(number: int) -> str:
    return f"{number / GB:.1f} GB" if number >= GB else f"{number / MB:.1f} MB"
