"""The model that answers, as this protocol lists models."""

import re
from datetime import UTC, datetime
from typing import Any

from promptqueue.condition import ModelState

from proxy.calls.model import Served, whole

ABSENT = (ModelState.MISSING, ModelState.DOWNLOADING)


def listed(served: Served) -> dict[str, Any]:
    """Give the page that `GET /v1/models` answers: of one model, or of none while it is not there."""
    names = [] if served.state() in ABSENT else [whole(served.name)]
    first, last = (names[0], names[-1]) if names else (None, None)
    return {"data": [_model(served, name) for name in names], "has_more": False, "first_id": first, "last_id": last}


def named(served: Served, name: str) -> dict[str, Any] | None:
    """Give the model of this name, which it has in the answer too; None where there is no such model."""
    return _model(served, name) if served.answers(name) and served.state() not in ABSENT else None


def _model(served: Served, name: str) -> dict[str, Any]:
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
