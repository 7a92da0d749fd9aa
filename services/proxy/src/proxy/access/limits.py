"""Limits: what an owner may have at once, here, where nobody has said otherwise."""

from dataclasses import replace

from promptqueue.owners.owner import EVERYBODY, PAGES, Limits, Owner

from proxy.config import Config

OF_A_KEY = Limits(waiting=1_000, stored_bytes=256 * 1024 * 1024, streams=100, requests_a_second=20.0)
"""What whoever has a key may have. How many run at a time is the workers' to know."""

PART_OF_PAGES = 4
"""Pages of other origins may have one of so many parts of what all may have."""


def limits_of(owner: Owner, config: Config) -> Limits:
    """Say what this owner may have; None where the limits of all are the only ones."""
    usual = _usual(owner, config)
    said = {name: getattr(owner.limits, name) for name in Limits.__dataclass_fields__}
    return replace(usual, **{name: value for name, value in said.items() if value is not None})


def _usual(owner: Owner, config: Config) -> Limits:
    if owner.number == EVERYBODY:
        return Limits()
    if owner.number == PAGES:
        return Limits(
            waiting=_part(config.max_queue_depth),
            stored_bytes=_part(config.max_stored_bytes),
            streams=_part(config.max_streams),
        )
    return OF_A_KEY


def _part(of_all: int) -> int:
    return max(1, of_all // PART_OF_PAGES)
