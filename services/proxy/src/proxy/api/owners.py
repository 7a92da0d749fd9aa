"""What owners have, written: of whoever asks, and of all for an admin."""

from collections.abc import Iterable

from promptqueue.owners.key import Role
from promptqueue.owners.owner import PAGES, Holdings, Limits, Owner
from promptqueue.owners.turn import Turn

from proxy.access.asker import Asker
from proxy.access.limits import limits_of
from proxy.api.bodies import OwnerStanding, OwnLimits, You
from proxy.parts import Parts


def you_body(parts: Parts, asker: Asker, slots: int) -> You | None:
    """Write what whoever asks has; None without a key for prompts. The workers have so many `slots`."""
    if asker.key is None or asker.key.role is Role.METRICS:
        return None
    owner, has = asker.owner, parts.accounts.holdings(asker.owner)
    return {
        "owner": owner.name,
        "role": asker.key.role,
        "waiting": has.waiting,
        "running": has.running,
        "stored_bytes": has.stored_bytes,
        "streams": parts.gate.quotas.streams(owner),
        "tokens_today": has.tokens_today,
        "limits": _limits_body(limits_of(owner, parts.config), running=_most_running(owner, slots)),
    }


def standing_bodies(standing: Iterable[tuple[Owner, Holdings, list[Turn]]]) -> list[OwnerStanding]:
    """Write how all owners stand who have anything."""
    return [
        _standing_body(owner, has, turns)
        for owner, has, turns in standing
        if has.waiting or has.running or has.stored_bytes
    ]


def _standing_body(owner: Owner, has: Holdings, turns: list[Turn]) -> OwnerStanding:
    waits = [turn.oldest_wait_seconds for turn in turns if turn.oldest_wait_seconds is not None]
    return {
        "owner": owner.name,
        "waiting": has.waiting,
        "running": has.running,
        "oldest_wait_seconds": round(max(waits), 1) if waits else None,
        "stored_bytes": has.stored_bytes,
    }


def _limits_body(limits: Limits, *, running: int | None) -> OwnLimits:
    return {
        "waiting": limits.waiting,
        "running": running,
        "stored_bytes": limits.stored_bytes,
        "streams": limits.streams,
        "requests_a_second": limits.requests_a_second,
        "tokens_a_day": limits.tokens_a_day,
    }


def _most_running(owner: Owner, slots: int) -> int | None:
    """Say how many may run at once: where nobody has said so, the workers leave a slot to other owners."""
    if owner.limits.running is not None or owner.number <= PAGES:
        return owner.limits.running
    return slots - 1 if slots > 1 else None
