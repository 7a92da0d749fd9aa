"""A body's fingerprint: it tells a repeated submission from another one under the same Idempotency-Key."""

import hashlib
import json
from typing import Any

PLAIN = frozenset({str, int, bool, type(None)})


def of(body: dict[str, Any]) -> str:
    """Give a digest that is the same for submissions that are equal as JSON, however they are written.

    It is of the body as it was sent, not of what was made of it: digests are kept for a day, across upgrades.
    """
    canonical = json.dumps(_by_value(_given(body)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields that are null: they are the same as absent."""
    given = _without_nulls(body)
    if "options" in given:
        given["options"] = _without_nulls(given["options"])
    if "messages" in given:
        given["messages"] = [_without_nulls(message) for message in given["messages"]]
    return given


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _by_value(value: Any) -> Any:
    """Write numbers that are equal alike. Plain values, which most are, are passed over without a call."""
    if isinstance(value, dict):
        return {key: each if type(each) in PLAIN else _by_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [each if type(each) in PLAIN else _by_value(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
