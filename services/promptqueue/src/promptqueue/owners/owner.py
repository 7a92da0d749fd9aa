"""Owners: between whom turns are taken, and what each may have of what all share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from promptqueue.errors import OwnerRefused

EVERYBODY = 0
"""Whose prompts those are that came without a key: from this product's own page and from programs."""

PAGES = 1
"""Whose prompts those are that pages of other origins sent without a key, all together."""


KEYLESS = ("everybody", "pages")
"""The names of these two."""

LEAST_WEIGHT = 0.001  # below, the line of a single owner is longer than any number says, and nobody gets a turn
MOST_WEIGHT = 1e9

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")  # it stands in tables, on terminals and in metrics


def refuse_keyless(name: str) -> None:
    """Raise OwnerRefused for a name whose owner can have no key."""
    if name.casefold() in KEYLESS:
        message = f"The owner {name} is whoever comes without a key: give the key to another name."
        raise OwnerRefused(message)
    if not NAME.fullmatch(name):
        message = f"An owner's name has up to 64 letters and digits of ASCII, and . _ @ + - after the first: {name!r}."
        raise OwnerRefused(message)


def refuse_weight(weight: float) -> None:
    """Raise ValueError for what is no weight."""
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        message = f"A weight is between {LEAST_WEIGHT:g} and {MOST_WEIGHT:,.0f}: {weight}."
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What an owner may have at once; None where nobody said so, which means what the product's defaults say."""

    waiting: int | None = None  # prompts
    running: int | None = None  # prompts
    stored_bytes: int | None = None  # of prompts and answers
    streams: int | None = None  # held requests and streams, in each proxy process
    requests_a_second: float | None = None  # in each proxy process, over five seconds
    tokens_a_day: int | None = None  # tokens that the model wrote since midnight, UTC


LIMITS = tuple(each.name for each in fields(Limits))


def columns_of(limits: Mapping[str, float | None], weight: float | None) -> dict[str, float | None]:
    """Give what is to change of an owner, by its columns. Raises ValueError for what is no limit, or no weight."""
    changes = {f"max_{limit}": limits[limit] for limit in LIMITS if limit in limits}
    if len(changes) < len(limits):
        message = f"No limit is named {', '.join(sorted(limits.keys() - set(LIMITS)))}."
        raise ValueError(message)
    if weight is not None:
        refuse_weight(weight)
        changes["weight"] = weight
    return changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Somebody who asks. Of one with twice the weight of another twice the seconds are answered while both wait."""

    number: int
    name: str
    weight: float = 1.0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holdings:
    """What an owner has at this moment, and has had today."""

    waiting: int  # prompts
    running: int  # prompts
    stored_bytes: int
    tokens_today: int  # since midnight, UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What an owner had of the model on one day; it outlives the prompts."""

    day: str  # by UTC, such as 2026-01-31
    owner: str  # its name
    succeeded: int
    failed: int
    cancelled: int
    expired: int
    prompt_tokens: int  # that the model read
    tokens: int  # that it wrote
    seconds: float  # of a slot
