"""The messages of a chat, from OpenAI's form into Ollama's."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.asking.fields import JSONObject, Text
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.content import text_of
from proxy.faces.openai.fields import Fields, Objects, checked
from proxy.faces.openai.tools import CalledFunction, arguments_of, call_of

ROLES = {"developer": "system", "function": "tool"}
"""Roles that Ollama calls otherwise; any other passes as it is."""


class Message(Fields):
    """One message, as far as a model of texts can read it."""

    role: Text
    content: Any = None
    name: Text | None = None
    tool_calls: Objects | None = None
    tool_call_id: Text | None = None
    function_call: JSONObject | None = None


def messages_of(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """Give the messages in Ollama's form. Raises InvalidAsked."""
    names: dict[str, str] = {}  # of the functions that were called, by the ids of the calls
    return [_written(message, f"messages.{index}", names) for index, message in enumerate(messages)]


def _written(message: Any, at: str, names: dict[str, str]) -> dict[str, Any]:
    said = checked(Message, message, at)
    calls = _calls(said, at)
    names.update({call["id"]: call["function"]["name"] for call in calls if "id" in call})
    role = ROLES.get(said.role, said.role)
    written: dict[str, Any] = {"role": role, "content": _text(said, at, may_be_missing=bool(calls))}
    if calls:
        written["tool_calls"] = calls
    if role == "tool":
        named = said.name or names.get(said.tool_call_id or "")
        written |= _given({"tool_name": named, "tool_call_id": said.tool_call_id})
    return written


def _text(said: Message, at: str, *, may_be_missing: bool) -> str:
    if said.content is not None:
        return text_of(said.content, param=f"{at}.content")
    if may_be_missing:
        return ""
    message = f"The field {at}.content is missing: only a message that calls tools needs none."
    raise InvalidAsked(message, param=f"{at}.content")


def _calls(said: Message, at: str) -> list[dict[str, Any]]:
    calls = [call_of(call, at=f"{at}.tool_calls.{index}") for index, call in enumerate(said.tool_calls or ())]
    if said.function_call is not None:
        here = f"{at}.function_call"
        called = checked(CalledFunction, said.function_call, here)
        arguments = arguments_of(called.arguments, param=f"{here}.arguments")
        calls.append({"function": {"name": called.name, "arguments": arguments}})
    return calls


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
