"""The bodies of Ollama's requests, read as JSON, with Go's words for those that are empty or cut."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from proxy.calls.bodies import body, checked
from proxy.calls.errors import InvalidAsked
from proxy.faces.ollama.reading import fields
from proxy.parts import Parts

CUT = "not JSON: EOF while parsing"
"""What a refusal says of a body that might be JSON if it went on; the words after the colon are the parser's."""

Read = TypeVar("Read")


def read(parts: Parts, data: bytes, look: Callable[[Any], Read]) -> Read:
    """Read a body as JSON and give what `look` makes of it. Raises InvalidAsked.

    `look` must not ask for the current request: it may run on another thread.
    """
    if not data.strip():
        raise InvalidAsked("missing request body", code="invalid_json")
    try:
        return checked(parts, data, look)
    except InvalidAsked as refused:
        if refused.failure.code == "invalid_json" and CUT in refused.failure.message:
            raise InvalidAsked("unexpected EOF", code="invalid_json") from None
        raise


def fields_of(parts: Parts, kinds: fields.Kinds, struct: str) -> dict[str, Any]:
    """Read the current request's body and give its known fields. Raises InvalidAsked and Refused."""
    with body(parts) as data:
        return read(parts, data, partial(fields.of, kinds=kinds, struct=struct))
