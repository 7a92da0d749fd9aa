"""How an answer is sampled, limited and shaped: OpenAI's fields as Ollama's options and format."""

import json
from collections.abc import Mapping
from typing import Any

from proxy.asking import json_schema
from proxy.asking.fields import Single, Stops, Whole
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.fields import Fields

UNSAID = {"temperature": 1.0, "top_p": 1.0}
"""What Ollama's compatibility layer samples with where the client says nothing, whatever the model's own values are."""

OPTIONS = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "stop")
"""Fields that are called alike in both protocols."""

SHAPES = {"text": None, "json_object": "json"}
"""Kinds of formats without a schema."""

EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "ultra", "max")
NO_EFFORT = "none"


class Sampling(Fields):
    """The fields that every kind of request has."""

    temperature: Single | None = None
    top_p: Single | None = None


class FullSampling(Sampling):
    """All fields of sampling; chats and completions have them."""

    seed: Whole | None = None
    presence_penalty: Single | None = None
    frequency_penalty: Single | None = None
    stop: Stops | None = None


def options_of(asked: Sampling, *, limit: int | None, longest: int) -> dict[str, Any]:
    """Give Ollama's options; without a limit of tokens above 0, `longest` is one."""
    said = {name: value for name in OPTIONS if (value := getattr(asked, name, None)) is not None}
    return {**UNSAID, **said, "num_predict": limit if limit is not None and limit > 0 else longest}


def format_of(kind: Any, schema: Any, *, param: str) -> Mapping[str, Any] | str | None:
    """Give Ollama's format of a kind of OpenAI's, None for plain text. Raises InvalidAsked."""
    if isinstance(kind, str) and kind in SHAPES:
        return SHAPES[kind]
    if kind != "json_schema":
        message = f"The field {param}.type must be text, json_object or json_schema."
        raise InvalidAsked(message, param=f"{param}.type")
    if not isinstance(schema, dict):
        message = f"The field {param} must hold a JSON Schema as its schema."
        raise InvalidAsked(message, param=param)
    if problem := json_schema.problem(schema):
        message = f"The schema of {param} is not a JSON Schema (draft 2020-12): {problem}."
        raise InvalidAsked(message, param=param)
    return schema


def check_effort(effort: Any, *, model: str, param: str) -> None:
    """Check that no thinking is asked for, in Ollama's words. Raises InvalidAsked."""
    if effort in (None, NO_EFFORT):
        return
    if effort in EFFORTS:
        message = f'"{model}" does not support thinking'
    else:
        known = ", ".join(f'"{each}"' for each in EFFORTS)
        message = f'invalid reasoning value: {json.dumps(effort)} (must be {known}, or "{NO_EFFORT}")'
    raise InvalidAsked(message, param=param)
