"""Tools and their calls, from OpenAI's form into Ollama's and back."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from proxy.asking import parsing
from proxy.asking.fields import JSONObject, Text
from proxy.calls.errors import InvalidAsked
from proxy.calls.names import hex_of
from proxy.errors import Refused
from proxy.faces.openai.fields import Fields, checked

DROPPED = "tools"  # as X-Ignored names tools of other kinds than functions


class Function(Fields):
    """A function that the model may call."""

    name: Text
    description: Text | None = None
    parameters: JSONObject | None = None


class CalledFunction(Fields):
    """What was called, and with what: a JSON object, as text."""

    name: Text
    arguments: Text


class Call(Fields):
    """A call by the model, in OpenAI's form."""

    id: Text | None = None
    function: CalledFunction


def tool_of(function: Any, *, at: str) -> dict[str, Any]:
    """Give Ollama's form of a function, whose object stands at this path. Raises InvalidAsked."""
    return {"type": "function", "function": checked(Function, function, at).model_dump(exclude_none=True)}


def tools_of(tools: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give Ollama's form of the functions among these tools; the others are dropped. Raises InvalidAsked."""
    for index, each in enumerate(tools):
        if each.get("type", "function") == "function":
            yield tool_of(each.get("function"), at=f"tools.{index}.function")


def chosen(tools: Sequence[dict[str, Any]], choice: Any, *, param: str = "tool_choice") -> Sequence[dict[str, Any]]:
    """Leave those of Ollama's tools that the client lets the model choose from. Raises InvalidAsked.

    Whether it calls one is the model's own choice: Ollama cannot force it.
    """
    if choice is None or isinstance(choice, str):
        return () if choice == "none" else tools
    if not isinstance(choice, Mapping):
        message = f"The field {param} must be a text or an object."
        raise InvalidAsked(message, param=param)
    function = choice if choice.get("function") is None else choice["function"]
    name = function.get("name") if isinstance(function, Mapping) else None
    if name is None:
        return tools  # a choice among several, or of a kind of tool that there is not here
    left = [each for each in tools if each["function"]["name"] == name]
    if not left:
        message = f"The field {param} names a function that is not among the tools."
        raise InvalidAsked(message, param=param)
    return left


def call_of(call: Any, *, at: str) -> dict[str, Any]:
    """Give Ollama's form of a call that stands at this path. Raises InvalidAsked."""
    called = checked(Call, call, at)
    arguments = arguments_of(called.function.arguments, param=f"{at}.function.arguments")
    named = {} if called.id is None else {"id": called.id}
    return {**named, "function": {"name": called.function.name, "arguments": arguments}}


def arguments_of(text: str, *, param: str) -> dict[str, Any]:
    """Read the arguments of a call; blank ones, as some servers write them, are none. Raises InvalidAsked."""
    try:
        value = parsing.parse(text.encode()) if text.strip() else {}
    except Refused:
        value = None
    if not isinstance(value, dict):
        message = f"The field {param} must be a JSON object, written as a text."
        raise InvalidAsked(message, param=param)
    return value


def call_id(call: Mapping[str, Any], *, prompt_id: str, index: int) -> str:
    """Give a call's id: Ollama's own, else one that is made of the prompt's."""
    return call.get("id") or f"call_{hex_of(prompt_id)[:8]}{index}"


def arguments_text(call: Mapping[str, Any]) -> str:
    """Give the arguments of a call of Ollama's as OpenAI has them: as text."""
    return json.dumps(call["function"].get("arguments") or {}, ensure_ascii=False, separators=(",", ":"))


def calls_written(calls: Sequence[Mapping[str, Any]], *, prompt_id: str) -> list[dict[str, Any]]:
    """Give OpenAI's form of the calls of an answer."""
    return [
        {
            "id": call_id(each, prompt_id=prompt_id, index=index),
            "index": index,
            "type": "function",
            "function": {"name": each["function"]["name"], "arguments": arguments_text(each)},
        }
        for index, each in enumerate(calls)
    ]
