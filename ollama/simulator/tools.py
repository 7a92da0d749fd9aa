"""The tools of a chat and the calls of them, with the error that Go finds in what has the wrong type.

The texts are what Go 1.26 says of Ollama's types; names match in any case, and null is absent.
"""

from dataclasses import dataclass, replace
from typing import Any

from .errors import Refused
from .mismatch import typed

NO_OBJECT = "Value looks like object, but can't find closing '}' symbol"
"""What the parser of Ollama's ordered maps says of anything that is no object."""

_SCALARS = {"string": "string", "int": "number"}
_STRUCTS = {
    "api.Tool": {"type": "string", "function": "api.ToolFunction"},
    "api.ToolFunction": {"name": "string", "description": "string", "parameters": "api.ToolFunctionParameters"},
    "api.ToolFunctionParameters": {"type": "string", "required": "[]string", "properties": "map[]api.ToolProperty"},
    "api.ToolProperty": {
        "anyOf": "[]api.ToolProperty",
        "type": "api.PropertyType",
        "description": "string",
        "enum": "[]interface {}",
        "properties": "map[]api.ToolProperty",
        "required": "[]string",
    },
    "api.ToolCall": {"id": "string", "function": "api.ToolCallFunction"},
    "api.ToolCallFunction": {"index": "int", "name": "string", "arguments": "map[]interface {}"},
}


def check_tool(value: Any) -> None:
    """Check one of a chat's `tools`.

    Raises:
        Refused: with Go's words.
    """
    _Place("ChatRequest", "tools").check(value, "api.Tool")


def check_call(value: Any, where: str) -> None:
    """Check one of a message's `tool_calls`, whose place is `where`.

    Raises:
        Refused: with Go's words.
    """
    struct, _, path = where.partition(".")
    _Place(struct, path, is_held=True).check(value, "api.ToolCall")


@dataclass(frozen=True)
class _Place:
    """Where a value stands: in a field of which struct, and the path there from the request's own fields."""

    struct: str
    path: str
    is_held: bool = False
    """Whether that struct reads all below by code of its own; Go then names no struct further inside."""

    def check(self, value: Any, kind: str) -> None:
        where = f"{self.struct}.{self.path}"
        if value is None or kind == "interface {}":
            return
        if kind.startswith("map[]"):
            if not isinstance(value, dict):
                raise Refused(400, NO_OBJECT)
            for each in value.values():
                replace(self, is_held=True).check(each, kind.removeprefix("map[]"))
        elif kind.startswith("[]"):
            for each in typed(value, "array", where, kind):
                self.check(each, kind.removeprefix("[]"))
        elif kind == "api.PropertyType":
            self.check(value, "string" if isinstance(value, str) else "[]string")
        elif kind in _SCALARS:
            typed(value, _SCALARS[kind], where, kind)
        else:
            self._check_fields(typed(value, "object", where, kind), kind)

    def _check_fields(self, fields: dict[str, Any], kind: str) -> None:
        known = {name.lower(): name for name in _STRUCTS[kind]}
        struct = self.struct if self.is_held else kind.removeprefix("api.")
        for key, value in fields.items():
            if name := known.get(key.lower()):
                replace(self, struct=struct, path=f"{self.path}.{name}").check(value, _STRUCTS[kind][name])
