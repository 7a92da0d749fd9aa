"""Deeds: what somebody did with the queue that others may want to know of. They name keys and prompts, never texts."""

from dataclasses import dataclass
from enum import StrEnum

COMMAND_LINE = "command line"
"""Who it was that typed `python -m promptqueue`."""


DEED_LIFETIME = 365 * 24 * 3600.0
"""Seconds for which what was done stays known."""


class Act(StrEnum):
    """What is noted when it is done."""

    KEY_MADE = "key made"  # to its owner
    KEY_REVOKED = "key revoked"
    KEYS_FORGOTTEN = "keys forgotten"
    LIMITS_CHANGED = "limits changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "prompt cancelled"  # by somebody else than its owner
    PRUNED = "prompts pruned"
    RESTORED = "copy restored"
    MOVED_HERE = "queue moved here"  # from another place
    MOVED_AWAY = "queue moved away"
    LOGINS_REFUSED = "logins refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that was done, by whom and to what."""

    who: str  # a key's name, an address, or COMMAND_LINE
    what: str  # an Act, or what a newer version calls it
    to: str = ""  # a key's, an owner's or a prompt's name, or how often
    at: float | None = None  # seconds since the epoch; None for now
    number: int | None = None  # it rises with each deed; None until it is recorded
