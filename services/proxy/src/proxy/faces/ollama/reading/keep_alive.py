"""keep_alive, which is understood and not followed: the model is everybody's, and its server's settings keep it."""

import json
import re
from typing import Any

from proxy.calls.errors import InvalidAsked
from proxy.faces.ollama.reading.fields import go_name

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d*\.?\d*)([^\d.]*)")
UNSUPPORTED = {"bool": "bool", "array": "[]interface {}", "object": "map[string]interface {}"}
"""What Go calls the values that are no duration."""


def is_zero(value: Any) -> bool:
    """Tell whether the model is to be unloaded at once. Raises InvalidAsked with Go's words for what is no duration."""
    if isinstance(value, str):
        return _seconds(value) == 0
    if name := UNSUPPORTED.get(go_name(value)):
        raise InvalidAsked(f"Unsupported type: '{name}'", param="keep_alive")
    return bool(value == 0)


def _seconds(text: str) -> float:
    """Read a duration as Go writes one: 5m, 1h30m, -1m, 0."""
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return 0.0
    if not rest:
        raise _refusal("invalid duration", text)
    total, at = 0.0, 0
    while at < len(rest):
        found = PART.match(rest, at)
        if not found or found[1] in ("", "."):
            raise _refusal("invalid duration", text)
        if not found[2]:
            raise _refusal("missing unit in duration", text)
        if found[2] not in UNITS:
            raise _refusal(f"unknown unit {json.dumps(found[2])} in duration", text)
        total += float(found[1]) * UNITS[found[2]]
        at = found.end()
    return total


def _refusal(what: str, text: str) -> InvalidAsked:
    return InvalidAsked(f"time: {what} {json.dumps(text)}", param="keep_alive")
