"""Items of a response's input, as messages in Ollama's words."""

from collections.abc import Callable, Mapping
from typing import Any

from proxy.asking.fields import Text
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.content import text_of
from proxy.faces.openai.fields import Fields, Objects, checked
from proxy.faces.openai.responses.reading.past import Message, Past, is_reference
from proxy.faces.openai.tools import arguments_of

ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}

DROPPED = frozenset(
    {
        "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "computer_call",
        "computer_call_output", "custom_tool_call", "custom_tool_call_output", "file_search_call",
        "image_generation_call", "local_shell_call", "local_shell_call_output", "mcp_approval_request",
        "mcp_approval_response", "mcp_call", "mcp_list_tools", "program", "program_output", "reasoning", "shell_call",
        "shell_call_output", "tool_search_call", "tool_search_output", "web_search_call",
    }
)  # fmt: skip
"""Kinds of items that are about tools which do not exist here, and thoughts of another model."""


class Called(Fields):
    """A call by the model."""

    call_id: Text
    name: Text
    namespace: Text | None = None
    arguments: Text


class Result(Fields):
    """What a tool gave back."""

    call_id: Text
    output: Text | Objects


class Messages:
    """The messages of one request, to which items are added one by one."""

    def __init__(self, past: Past) -> None:
        """Begin with the messages of the response that it goes on from."""
        self.all = [_copied(message) for message in past.messages]
        self._known = past.items
        self._names = {  # of the tools that were called last, by the ids of the calls
            call["id"]: call["function"]["name"]
            for message in past.messages
            for call in message.get("tool_calls", ())
            if "id" in call
        }
        self._kinds: dict[str, Callable[[Mapping[str, Any], str], None]] = {
            "message": self._say,
            "function_call": self._call,
            "function_call_output": self._answer_call,
            "item_reference": self._refer,
        }

    def add(self, item: Mapping[str, Any], at: str) -> None:
        """Add the item that stands at this path. Raises InvalidAsked."""
        kind = item.get("type")
        if kind is None:  # as of messages and of references it may be
            kind = "item_reference" if is_reference(item) else "message"
        if not isinstance(kind, str) or kind not in self._kinds.keys() | DROPPED:
            message = f'unknown input item type: "{str(kind)[:60]}"'
            raise InvalidAsked(message, param=f"{at}.type")
        if kind not in DROPPED:
            self._kinds[kind](item, at)

    def _say(self, item: Mapping[str, Any], at: str) -> None:
        role = item.get("role")
        if not isinstance(role, str) or role not in ROLES:
            message = f"The field {at}.role must be one of {', '.join(ROLES)}."
            raise InvalidAsked(message, param=f"{at}.role")
        content = text_of(item.get("content"), param=f"{at}.content")
        self.all.append({"role": ROLES[role], "content": content})

    def _call(self, item: Mapping[str, Any], at: str) -> None:
        called = checked(Called, item, at)
        name = called.name if called.namespace is None else f"{called.namespace}.{called.name}"
        arguments = arguments_of(called.arguments, param=f"{at}.arguments")
        if not self.all or self.all[-1]["role"] != "assistant":
            self.all.append({"role": "assistant", "content": ""})
        self._names[called.call_id] = name
        call = {"id": called.call_id, "function": {"name": name, "arguments": arguments}}
        self.all[-1].setdefault("tool_calls", []).append(call)

    def _answer_call(self, item: Mapping[str, Any], at: str) -> None:
        result = checked(Result, item, at)
        content = text_of(result.output, param=f"{at}.output")
        message = {"role": "tool", "content": content, "tool_call_id": result.call_id}
        if result.call_id in self._names:
            message["tool_name"] = self._names[result.call_id]
        self.all.append(message)

    def _refer(self, item: Mapping[str, Any], at: str) -> None:
        """Add what is referred to: the AI SDK sends back items by their ids alone."""
        name = item.get("id")
        if not isinstance(name, str) or name not in self._known:
            message = f"Item with id '{str(name)[:60]}' not found."
            raise InvalidAsked(message, param=f"{at}.id")
        self.add(self._known[name], at)


def _copied(message: Message) -> dict[str, Any]:
    """Copy a message, whose list of calls may grow."""
    calls = {"tool_calls": [*message["tool_calls"]]} if "tool_calls" in message else {}
    return {**message, **calls}
