"""The models that there are, in this protocol's words: one, or none while it is not installed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from promptqueue.condition import ModelState

from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import Served

NOT_THERE = (ModelState.MISSING, ModelState.DOWNLOADING)


def listing(served: Served) -> Mapping[str, Any]:
    """List them on the only page there is."""
    names = _names(served)
    first, last = (names[0], names[-1]) if names else (None, None)
    return {"data": [_model(name, served) for name in names], "has_more": False, "first_id": first, "last_id": last}


def one(served: Served, name: str) -> Mapping[str, Any]:
    """Describe the model of this name, as it was asked for. Raises InvalidAsked for any that is not listed."""
    check(served, name, is_there=bool(_names(served)))
    return _model(name, served)


def check(served: Served, name: str, *, is_there: bool = True) -> None:
    """Check that a name means the model that there is, or will be. Raises InvalidAsked, in Ollama's words."""
    if not is_there or not served.answers(name):
        sentence = f"model '{name}' not found"
        raise InvalidAsked(sentence, param="model", kind=Kind.UNKNOWN_MODEL, code="model_not_found")


def _names(served: Served) -> list[str]:
    facts = served.facts()
    return [] if facts is None or served.state() in NOT_THERE else [facts["tag"]["name"]]


def _model(name: str, served: Served) -> dict[str, Any]:
    created = datetime.fromtimestamp(served.created, UTC).isoformat().replace("+00:00", "Z")
    return {
        "type": "model",
        "id": name,
        "display_name": display_name(served.name),
        "created_at": created,
        "lifecycle": "active",
        "max_input_tokens": served.context_length,
        "max_tokens": served.context_length,
    }


def display_name(name: str) -> str:
    """Write a model's name as people do: `llama3.2` is Llama 3.2, `qwen2.5-coder:7b` is Qwen 2.5 Coder 7b."""
    words = re.sub(r"(?<=[a-z])(?=\d)", " ", name.rpartition("/")[2].removesuffix(":latest"), count=1)
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[-_: ]+", words))
