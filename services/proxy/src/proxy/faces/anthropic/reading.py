"""A request for a message, read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from proxy.asking.values import dotted
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.estimate import tokens_of
from proxy.faces.anthropic import conversation, tools
from proxy.faces.anthropic.fields import Body, Conversation

Shape = TypeVar("Shape", bound=Conversation)


def _is_empty(value: Any) -> bool:
    return value in (None, "", [])


def _is_no_limit(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and value <= 0)


MISSING: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("model", _is_empty, "model is required"),
    ("max_tokens", _is_no_limit, "max_tokens is required and must be positive"),
    ("messages", _is_empty, "messages is required"),
)
"""What must be there, asked for in this order and in these words, as Ollama does on its own face of this protocol."""

OPTIONS = {
    "max_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_sequences": "stop",
}
"""Fields that are options of Ollama's; one that is absent is left to the model's own."""

IGNORED = ("container", "context_management", "mcp_servers", "speed", "thinking")
"""Fields that would change the answer elsewhere and do not here."""


def read(body: Any) -> Asked:
    """Read a body of JSON. Raises InvalidAsked."""
    asked = _shaped(Body, body)
    question, ignored = _question(asked)
    options = {name: value for field, name in OPTIONS.items() if (value := getattr(asked, field)) is not None}
    config = asked.output_config or {}
    shape = config.get("format") or asked.output_format
    effort = ("output_config.effort",) if config.get("effort") else ()
    return Asked(
        request={**question, "options": options, **({"format": shape["schema"]} if shape else {})},
        echo={"model": asked.model, "input_tokens": _tokens(question)},
        streams=bool(asked.stream),
        ignored=(*(name for name in IGNORED if body.get(name) is not None), *effort, *ignored),
    )


def count(body: Any) -> tuple[str, int]:
    """Read a body that asks for no message but for its tokens; give its model and an estimate. Raises InvalidAsked."""
    asked = _shaped(Conversation, body)
    question, _ = _question(asked)
    return asked.model, _tokens(question)


def _shaped(shape: type[Shape], body: Any) -> Shape:
    if not isinstance(body, dict):
        sentence = "The body must be a JSON object"
        raise InvalidAsked(sentence)
    for name, is_missing, sentence in MISSING:
        if name in shape.model_fields and is_missing(body.get(name)):
            raise InvalidAsked(sentence, param=name)
    try:
        return shape.model_validate(body)
    except ValidationError as errors:
        error = errors.errors(include_url=False, include_context=False, include_input=False)[0]
        where = dotted(error["loc"])
        sentence = f"{where}: {error['msg']}"
        raise InvalidAsked(sentence, param=where) from None


def _question(asked: Conversation) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give what is asked in Ollama's words, and what of its tools cannot be had."""
    question: dict[str, Any] = {"messages": conversation.written(asked.messages)}
    if system := conversation.text_of(asked.system or ()):
        question["system"] = system
    offered, ignored = tools.written(asked.tools or (), asked.tool_choice)
    return question | ({"tools": offered} if offered else {}), ignored


def _tokens(question: Mapping[str, Any]) -> int:
    said = [turn["content"] for turn in question["messages"]]
    called = [turn["tool_calls"] for turn in question["messages"] if "tool_calls" in turn]
    return tokens_of(question.get("system", ""), *said, *called, *question.get("tools", ()))
