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
    facts = served.facts()
    there = [] if facts is None or served.state() in NOT_THERE else [_model(facts["tag"]["name"], served)]
    return {"object": "list", "data": there}


def one(served: Served, name: str) -> Mapping[str, Any]:
    """Describe the model of this name, as it was asked for. Raises InvalidAsked for any other."""
    check(served, name)
    return _model(name, served)


def check(served: Served, name: str) -> None:
    """Check that a name means the model that there is. Raises InvalidAsked, in Ollama's words."""
    if not served.answers(name):
        message = f"model '{name}' not found"
        raise InvalidAsked(message, param="model", kind=Kind.UNKNOWN_MODEL, code="model_not_found")


def _model(name: str, served: Served) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": served.created, "owned_by": "library"}
