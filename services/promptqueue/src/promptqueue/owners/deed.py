"""Deeds: what somebody did with the queue that others may want to know of. They name keys and prompts, never texts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that was done, by whom and to what."""

    who: str  # a key's name, or `command line`
    what: str  # such as "key revoked"
    to: str = ""  # a key's, an owner's or a prompt's name
    at: float | None = None  # seconds since the epoch; None for now
    number: int | None = None  # it rises with each deed; None until it is recorded
