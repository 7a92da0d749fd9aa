"""The models that there are, in OpenAI's words: one, or none while it is not installed."""

from collections.abc import Mapping
from typing import Any

from promptqueue.condition import ModelState

from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import Served

NOT_THERE = (ModelState.MISSING, ModelState.DOWNLOADING)


def listing(served: Served) -> Mapping[str, Any]:
    """List them; before any worker has found the model there is none."""
    there = [_model(name, served) for name in _names(served)]
    return {"object": "list", "data": there}


def one(served: Served, name: str) -> Mapping[str, Any]:
    """Describe the model of this name, as it was asked for. Raises InvalidAsked for any that is not listed."""
    check(served, name, is_there=bool(_names(served)))
    return _model(name, served)


def check(served: Served, name: str, *, is_there: bool = True) -> None:
    """Check that a name means the model that there is, or will be. Raises InvalidAsked, in Ollama's words."""
    if not is_there or not served.answers(name):
        message = f"model '{name}' not found"
        raise InvalidAsked(message, param="model", kind=Kind.UNKNOWN_MODEL, code="model_not_found")


def _names(served: Served) -> list[str]:
    facts = served.facts()
    return [] if facts is None or served.state() in NOT_THERE else [facts["tag"]["name"]]


def _model(name: str, served: Served) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": served.created, "owned_by": "library"}
