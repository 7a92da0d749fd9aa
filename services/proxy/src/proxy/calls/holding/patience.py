"""Patience: for how long nothing is sent to a client that waits, before it would give up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from werkzeug.datastructures import Headers

from proxy.config import Config

TOLD = ("x-stainless-read-timeout", "X-Stainless-Timeout")
"""Headers in which the official clients tell their time-out in seconds: those for Python and those for JavaScript."""

OF_WHAT_IS_TOLD = 0.8
LEAST = 1.0  # seconds that a client's time-out counts as, however short it is: else one asks for a flood of beats


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds without a byte: until the first one, for which the status must be known, and from one to the next."""

    first: float
    between: float

    @classmethod
    def of_stream(cls, config: Config, headers: Headers) -> Patience:
        """Give that of a client that reads a stream."""
        seconds = min(config.patience, _told(headers))
        return cls(seconds, seconds)

    @classmethod
    def of_whole(cls, config: Config, headers: Headers) -> Patience:
        """Give that of a client that waits for one document."""
        told = _told(headers)
        return cls(min(config.whole_patience, told), min(2 * config.patience, told))


def _told(headers: Headers) -> float:
    return min((_seconds(headers.get(name, "")) for name in TOLD), default=math.inf)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return math.inf
    return OF_WHAT_IS_TOLD * max(LEAST, seconds) if seconds > 0 else math.inf
