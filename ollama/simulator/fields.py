"""The known fields of a request's JSON body, with the error that Go finds in one that has the wrong type."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from . import gojson
from .duration import Duration, parse_duration
from .errors import Malformed, Refused
from .mismatch import go_name, mismatch, typed
from .tools import check_call, check_tool

_COMMON = {
    "model": "string",
    "stream": "bool",
    "format": "any",
    "keep_alive": "duration",
    "options": "map[string]interface {}",
    "think": "think",
    "truncate": "bool",
    "shift": "bool",
    "_debug_render_only": "bool",
    "logprobs": "bool",
    "top_logprobs": "int",
}
KINDS: dict[str, dict[str, str]] = {
    "GenerateRequest": _COMMON
    | dict.fromkeys(("prompt", "suffix", "system", "template"), "string")
    | {"context": "[]int", "raw": "bool", "images": "[]api.ImageData"},
    "ChatRequest": _COMMON | {"messages": "[]api.Message", "tools": "api.Tools"},
    "ShowRequest": dict.fromkeys(("model", "name", "system", "template"), "string")
    | {"verbose": "bool", "options": "map[string]interface {}"},
    "PullRequest": dict.fromkeys(("model", "name", "username", "password"), "string")
    | {"insecure": "bool", "stream": "bool"},
    "DeleteRequest": {"model": "string", "name": "string"},
}
_MESSAGE = dict.fromkeys(("role", "content", "thinking", "tool_name", "tool_call_id"), "string") | {
    "images": "[]api.ImageData",
    "tool_calls": "[]api.ToolCall",
}
_THINK = '"high", "medium", "low", "max", true, or false'


def load(body: bytes) -> Any:
    """The body's JSON value.

    Raises:
        Refused: 400 with Go's words.
    """
    try:
        return gojson.loads(body)
    except Malformed as problem:
        raise Refused(400, str(problem)) from None


def read_fields(value: Any, kind: str) -> dict[str, Any]:
    """The known fields by name. Names match in any case, the last of two equal ones counts, null is absent.

    Raises:
        Refused: 400 with Go's words.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(400, f"json: cannot unmarshal {go_name(value)} into Go value of type api.{kind}")
    return _known(value, KINDS[kind], kind)


def _known(given: dict[str, Any], kinds: dict[str, str], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = key.lower()
        if name in kinds and value is not None:
            found.pop(name, None)
            found[name] = _checked(value, kinds[name], f"{where}.{name}")
    return found


def _checked(value: Any, wanted: str, where: str) -> Any:  # noqa: PLR0911 (one case for each Go type)
    match wanted:
        case "any":
            return value
        case "think":
            return _think(value)
        case "duration":
            return _duration(value, where)
        case "int":
            return _integer(value, where)
        case "[]int" | "[]api.ImageData" | "[]api.Message" | "[]api.ToolCall":
            return [_ELEMENTS[wanted](each, where) for each in typed(value, "array", where, wanted)]
        case "api.Tools":
            for each in typed(value, "array", where, wanted):
                check_tool(each)
            return value
        case "map[string]interface {}":
            return _options(typed(value, "object", where, wanted), where)
        case _:
            return typed(value, wanted, where, wanted)


def _think(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise Refused(400, f"think must be a boolean or string ({_THINK})")
    if value not in ("high", "medium", "low", "max"):
        raise Refused(400, f"invalid think value: {gojson.dumps(value).decode()} (must be {_THINK})")
    return value


def _duration(value: Any, where: str) -> Duration:
    match value:
        case gojson.BeyondFloat():
            raise mismatch(where, "float64", f"number {value.digits}")
        case bool():
            raise Refused(400, "Unsupported type: 'bool'")
        case int() | float():
            return Duration.of_seconds(value)
        case str():
            return parse_duration(value)
        case list():
            raise Refused(400, "Unsupported type: '[]interface {}'")
        case _:
            raise Refused(400, "Unsupported type: 'map[string]interface {}'")


def _options(given: dict[str, Any], where: str) -> dict[str, Any]:
    for value in given.values():
        if isinstance(value, gojson.BeyondFloat):
            raise mismatch(where, "float64", f"number {value.digits}")
    return given


def _integer(value: Any, where: str) -> int:
    if value is None:
        return 0
    if isinstance(value, float) and not value.is_integer():
        raise mismatch(where, "int", f"number {value}")
    return int(typed(value, "number", where, "int"))


def _image(value: Any, where: str) -> bytes:
    if value is None:
        return b""
    text = typed(value, "string", where, "api.ImageData").replace("\r", "").replace("\n", "")
    wrong = re.search(r"[^A-Za-z0-9+/]", text.rstrip("="))
    try:
        if wrong is None:
            return base64.b64decode(text, validate=True)
    except binascii.Error:
        pass
    at = wrong.start() if wrong else len(text) - len(text) % 4
    raise Refused(400, f"illegal base64 data at input byte {at}")


def _message(value: Any, where: str) -> dict[str, Any]:
    return {} if value is None else _known(typed(value, "object", where, "api.Alias"), _MESSAGE, where)


def _tool_call(value: Any, where: str) -> Any:
    check_call(value, where)
    return value


_ELEMENTS: dict[str, Callable[[Any, str], Any]] = {
    "[]int": _integer,
    "[]api.ImageData": _image,
    "[]api.Message": _message,
    "[]api.ToolCall": _tool_call,
}
