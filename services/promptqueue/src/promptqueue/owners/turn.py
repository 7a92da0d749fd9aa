"""Turns: how an owner stands among the others in one lane."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What an owner has in one lane at this moment."""

    owner: str  # its name
    lane: str  # its name (`prompt.Priority`)
    waiting: int  # prompts
    running: int  # prompts
    oldest_wait_seconds: float | None  # of those that wait, since it was asked, or retried last
