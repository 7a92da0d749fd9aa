"""What a checker finds: a promise that was not kept, to whom, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How bad it is; one is too many of each."""

    LOST = "lost"  # accepted, and not there
    STUCK = "stuck"  # accepted, and never ended
    WRONG = "wrong"  # anything else that must not be


@dataclass(frozen=True)
class Finding:
    """One promise that was not kept."""

    kind: Kind
    about: str  # a script's name, or what else it is about
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}: {self.words}"


def wrong(about: str, words: str) -> Finding:
    """Give a finding that is neither a loss nor a prompt that is stuck."""
    return Finding(Kind.WRONG, about, words)
