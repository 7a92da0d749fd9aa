"""keep_alive: how long a model stays loaded, as Go writes durations."""

import math
import re
from dataclasses import dataclass

from . import gojson
from .errors import Refused

LONGEST = (2**63 - 1) / 1e9  # seconds; Go's time.Duration holds no more, so "for ever" is 292 years

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d*\.?\d*)([^\d.]*)")


@dataclass(frozen=True)
class Duration:
    """Seconds, never below zero."""

    seconds: float

    @classmethod
    def of_seconds(cls, seconds: float) -> "Duration":
        """A number; below zero it is for ever."""
        return cls(LONGEST if seconds < 0 or math.isnan(seconds) else min(float(seconds), LONGEST))


def parse_duration(text: str) -> Duration:
    """Read Go's notation: 5m, 1h30m, -1m, 0; numbers need a unit.

    Raises:
        Refused: 400 with Go's words.
    """
    name = gojson.dumps(text).decode()
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return Duration(0.0)
    if not rest:
        raise Refused(400, f"time: invalid duration {name}")
    total, at = 0.0, 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if not found or found[1] in ("", "."):
            raise Refused(400, f"time: invalid duration {name}")
        if not found[2]:
            raise Refused(400, f"time: missing unit in duration {name}")
        if found[2] not in _UNITS:
            raise Refused(400, f"time: unknown unit {gojson.dumps(found[2]).decode()} in duration {name}")
        total += float(found[1]) * _UNITS[found[2]]
        at = found.end()
    return Duration.of_seconds(-total if text.startswith("-") else total)


def default_duration(text: str) -> Duration:
    """Read OLLAMA_KEEP_ALIVE's notation, which knows bare seconds and -1 too."""
    return Duration.of_seconds(int(text)) if re.fullmatch(r"-?\d+", text) else parse_duration(text)
