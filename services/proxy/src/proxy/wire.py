"""JSON both ways: what bodies say, and how values of the queue are told."""

from __future__ import annotations

import codecs
import hashlib
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic_core import from_json, to_json

from proxy import diagnosis, encoding
from proxy.errors import InvalidJSON, InvalidRequest
from proxy.headers import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promptqueue.prompt import Prompt

DEEPEST = 100
"""How many objects and lists may stand in one another."""

LONGEST_LINE = 300  # code points of what a model server or a worker says of a trouble


def read(data: bytes, *, charset: str | None = None) -> Any:
    """Read a body. Raises InvalidJSON, and InvalidRequest for what JSON can say but a prompt cannot hold.

    A byte order mark is skipped, and half a surrogate pair, as is left of an emoji that was cut, becomes U+FFFD, as in
    the model's own text. Any other encoding is refused by its name; `charset` is what the Content-Type calls it.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        value = from_json(data, allow_inf_nan=False)
    except ValueError:
        value = _read_again(data, charset)
    _check(value, (), DEEPEST)
    return value


def _read_again(data: bytes, charset: str | None) -> Any:
    data = encoding.mended(data)
    try:
        return from_json(data, allow_inf_nan=False)
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


def _check(value: Any, path: tuple[str | int, ...], levels: int) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float):
        if math.isinf(value):
            message = f"The number in {dotted(path)} is larger than a double can hold."
            raise InvalidRequest(message, param=dotted(path))
    elif isinstance(value, dict | list):
        if not levels:
            message = f"The body nests deeper than {DEEPEST} levels. Send a flatter one."
            raise InvalidJSON(message)
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str):
                _check_text(key, (*path, key))
            _check(each, (*path, key), levels - 1)


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if "\0" in text:
        message = f"The text in {dotted(path)} holds U+0000, which no model can read. Leave it out."
        raise InvalidRequest(message, param=dotted(path))


def dotted(path: tuple[str | int, ...]) -> str | None:
    """Name a field by its path, such as messages.0.content; None for the body itself."""
    return ".".join(map(str, path)).replace("\0", "\\u0000")[:200] if path else None


def _by_value(value: Any) -> Any:
    match value:
        case dict():
            return {key: _by_value(each) for key, each in value.items()}
        case list():
            return [_by_value(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
