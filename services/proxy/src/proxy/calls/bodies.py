"""The bodies of a face: what clients send, and JSON as clients of these protocols can read it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from flask import Response

from proxy.asking import parsing
from proxy.calls.errors import InvalidAsked
from proxy.errors import Refused
from proxy.parts import Parts
from proxy.serving import body as serving_body
from proxy.serving.headers import JSON

BRIEF = 16 * 1024  # bytes of a body that is read at once: it takes some milliseconds, whatever it holds

Read = TypeVar("Read")


@contextmanager
def body(parts: Parts) -> Iterator[bytes]:
    """Read the body of the current request; its memory counts until the block ends.

    Raises the Refused of `serving.body`: for one that is too large, compressed, cut short, or one too many.
    """
    with serving_body.reading(parts.config.max_prompt_bytes, parts.room) as data:
        yield data


def json_of(data: bytes) -> Any:
    """Read a body as JSON. Raises InvalidAsked, with the code `invalid_json` for what is not JSON."""
    try:
        return parsing.parse(data)
    except Refused as refused:
        raise InvalidAsked(str(refused), param=refused.param, code=refused.code) from refused


def checked(parts: Parts, data: bytes, read: Callable[[Any], Read]) -> Read:
    """Read a body as JSON and give what `read` makes of it; apart where it may keep other requests waiting.

    `read` must not ask for the current request: it may run on another thread.
    """
    check = partial(_checked, data, read)
    return check() if len(data) <= BRIEF else parts.concurrency.alone(check)


def _checked(data: bytes, read: Callable[[Any], Read]) -> Read:
    return read(json_of(data))


def to_json(value: Any) -> bytes:
    """Write a value compactly, in ASCII: some clients break lines at U+0085 and U+2028. Keys keep their order."""
    return json.dumps(value, separators=(",", ":")).encode()


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a value as JSON."""
    return Response(to_json(value), status, headers, content_type=JSON)
