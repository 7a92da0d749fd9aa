"""The fields of Ollama's requests: their names, their types, and Go's words for a value of another type.

Read in Ollama's source (api/types.go) and on the wire of 0.33. Names match in any case, the last of two equal ones
counts, null is the same as absent, and what is not known is left out.
"""

from collections.abc import Mapping
from typing import Any

from proxy.calls.errors import InvalidAsked

Kinds = Mapping[str, str]

_ASKING: Kinds = {
    "model": "string",
    "stream": "bool",
    "format": "any",
    "keep_alive": "any",
    "options": "map[string]interface {}",
    "think": "any",
    "truncate": "bool",
    "shift": "bool",
    "_debug_render_only": "bool",
    "logprobs": "bool",
    "top_logprobs": "int",
}
GENERATE: Kinds = {
    **_ASKING,
    **dict.fromkeys(("prompt", "suffix", "system", "template"), "string"),
    "context": "[]int",
    "raw": "bool",
    "images": "[]api.ImageData",
}
CHAT: Kinds = {**_ASKING, "messages": "[]api.Message", "tools": "api.Tools"}
MESSAGE: Kinds = {
    **dict.fromkeys(("role", "content", "thinking", "tool_name", "tool_call_id"), "string"),
    "images": "[]api.ImageData",
    "tool_calls": "[]api.ToolCall",
}
SHOW: Kinds = dict.fromkeys(("model", "name"), "string")
PULL: Kinds = {**SHOW, "stream": "bool", "insecure": "bool"}
EMBED: Kinds = {"model": "string", "input": "any", "prompt": "string"}

_GO_NAMES = {
    type(None): "null",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_WANTED = {"string": "string", "bool": "bool", "int": "number", "map[string]interface {}": "object"}
"""What JSON calls the values of a Go type; of those that are not named it is an array."""


def of(value: Any, kinds: Kinds, struct: str) -> dict[str, Any]:
    """Give the known fields of a body by their names; none of them is null. Raises InvalidAsked."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidAsked(f"json: cannot unmarshal {go_name(value)} into Go value of type api.{struct}")
    return _known(value, kinds, struct)


def messages_of(values: list[Any]) -> list[dict[str, Any]]:
    """Give the known fields of a chat's messages. Raises InvalidAsked."""
    where = "ChatRequest.messages"
    return [_known(_typed(each, "object", where, "api.Alias"), MESSAGE, where) if each else {} for each in values]


def mismatch(where: str, wanted: str, value: Any) -> InvalidAsked:
    """Refuse a value for the field that it stands in."""
    return InvalidAsked(
        f"json: cannot unmarshal {go_name(value)} into Go struct field {where} of type {wanted}",
        param=where.partition(".")[2],
    )


def go_name(value: Any) -> str:
    """Say what Go calls a value."""
    return _GO_NAMES[type(value)]


def _known(given: Mapping[str, Any], kinds: Kinds, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = key.lower()
        if name in kinds and value is not None:
            found[name] = _checked(value, kinds[name], f"{where}.{name}")
    return found


def _checked(value: Any, kind: str, where: str) -> Any:
    return value if kind == "any" else _typed(value, _WANTED.get(kind, "array"), where, kind)


def _typed(value: Any, wanted: str, where: str, kind: str) -> Any:
    if go_name(value) != wanted:
        raise mismatch(where, kind, value)
    return value
