"""Answers as OpenAPI describes them: a sentence, a shape, headers."""

from __future__ import annotations

from typing import Any

HEADERS: dict[str, Any] = {
    "Location": {"required": True, "description": "Where the prompt's status is.", "schema": {"type": "string"}},
    "X-Prompt-Id": {
        "required": True,
        "description": "The prompt's id.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "required": True,
        "description": "Seconds.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 600},
    },
    "Allow": {"required": True, "description": "The methods there are.", "schema": {"type": "string"}},
    "ETag": {"required": True, "description": "The page's version.", "schema": {"type": "string"}},
}


def content(name: str) -> dict[str, Any]:
    """Say that a body is JSON of this shape."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def answer(description: str, shape: str, *names: str) -> dict[str, Any]:
    """Describe an answer in JSON, with the headers of these names."""
    return _described(description, content(shape), names)


def error(description: str, *names: str) -> dict[str, Any]:
    """Describe an error."""
    return answer(description, "Error", *names)


def events(description: str, *names: str) -> dict[str, Any]:
    """Describe a stream of events."""
    return _described(description, {"text/event-stream": {"schema": {"type": "string"}}}, names)


def headers(*names: str) -> dict[str, Any]:
    """Refer to the headers of these names."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _described(description: str, content: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {"description": description, "content": content, **({"headers": headers(*names)} if names else {})}


UNKNOWN = {"404": error("not_found: no prompt has this id.")}
FAILURES = {
    "405": error("method_not_allowed.", "Allow"),
    "500": error("internal_error: a mistake of the proxy."),
    "503": error("storage_unavailable: the database cannot be used right now.", "Retry-After"),
}
HOLDING_FAILURES = FAILURES | {
    "503": error("storage_unavailable, or too_many_streams: as many requests are held as may be.", "Retry-After")
}
