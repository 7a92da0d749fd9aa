"""JSON both ways: what bodies say, and how values of the queue are told."""

from __future__ import annotations

import codecs
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic_core import from_json, to_json

from proxy.asking import diagnosis, encoding, values
from proxy.errors import InvalidJSON
from proxy.serving.headers import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promptqueue.prompt import Prompt

LONGEST_LINE = 300  # code points of what a model server or a worker says of a trouble


PLAIN = frozenset({str, int, bool, type(None)})


def read(data: bytes, *, charset: str | None = None) -> Any:
    """Read a body. Raises InvalidJSON, and InvalidRequest for what JSON can say but a prompt cannot hold.

    A byte order mark is skipped, and half a surrogate pair, as is left of an emoji that was cut, becomes U+FFFD, as in
    the model's own text. Any other encoding is refused by its name; `charset` is what the Content-Type calls it.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    excess = values.excess(data)
    value = _parsed(data[:excess], charset, is_whole=excess is None)
    if excess is not None:
        raise values.too_many(value)
    values.check(value)
    return value


def _parsed(data: bytes, charset: str | None, *, is_whole: bool) -> Any:
    # Texts are not kept to be used again: 50,000 that are all different take four times as long with that.
    how: dict[str, Any] = {"allow_inf_nan": False, "allow_partial": not is_whole, "cache_strings": "none"}
    try:
        return from_json(data, **how)
    except ValueError:
        data = encoding.mended(data)
    try:
        return from_json(data, **how)
    except ValueError as error:
        if foreign := encoding.foreign(data, charset):
            message = f"The body is not in UTF-8: {foreign}. Send one JSON object in UTF-8."
        else:
            message = f"The body is not JSON: {error}. {diagnosis.of(data) or 'Send one JSON object'}."
        raise InvalidJSON(message) from None


def fingerprint(value: Any) -> str:
    """Give a digest that is the same for bodies that are equal as JSON, however they are written."""
    canonical = json.dumps(_by_value(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def compact_size(value: Any) -> int:
    """Give the size of a value as compact JSON in UTF-8."""
    return len(to_json(value))


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Tell `body` as JSON."""
    return Response(to_json(body), status, headers, content_type=JSON)


def status_body(prompt: Prompt, position: int | None, eta: float | None) -> dict[str, Any]:
    """Tell where a prompt stands."""
    return {
        "id": prompt.id,
        "status": prompt.status,
        "outcome": prompt.outcome,
        "position": position,
        "eta_seconds": eta,
        "attempt": prompt.attempt,
        "tokens": prompt.tokens,
        "created_at": moment(prompt.created_at),
        "started_at": None if prompt.started_at is None else moment(prompt.started_at),
        "completed_at": None if prompt.completed_at is None else moment(prompt.completed_at),
        "error": prompt.error
        and {
            "code": prompt.error.code,
            "message": line(prompt.error.message),
            "retryable": prompt.error.code.retryable,
        },
        "last_error": prompt.last_error and line(prompt.last_error),
        "metadata": prompt.metadata,
    }


def text_of(record: Mapping[str, Any]) -> str:
    """Give the whole text in the model server's final record of a prompt or a chat."""
    text: str | None = record["message"].get("content") if "message" in record else record.get("response")
    return text or ""


def line(text: str) -> str:
    """Tell somebody's words as one line that is not too long."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_LINE else words[: LONGEST_LINE - 1] + "…"


def moment(seconds: float) -> str:
    """Tell a time of the wall clock: UTC, ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _by_value(value: Any) -> Any:
    """Write numbers that are equal alike. What is no number and holds none, which is most, is not asked for."""
    if isinstance(value, dict):
        return {key: each if type(each) in PLAIN else _by_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [each if type(each) in PLAIN else _by_value(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
