"""Reading what a client asks of /api/generate and /api/chat, in the order in which Ollama looks at it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.asking import json_schema
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import whole
from proxy.faces.ollama.reading import fields, keep_alive, names, options

MOST_TOP_LOGPROBS = 20
THINK = '"high", "medium", "low", "max", true, or false'
NO_CALL = "Value looks like object, but can't find closing '}' symbol"
"""What Ollama says of a call's arguments that are no object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """What differs between the two ways to ask."""

    face: str
    struct: str  # as Go calls its body
    kinds: fields.Kinds
    question: str  # the field that asks
    without_model: tuple[Kind, str]
    truncates: bool  # a prompt that is too long, unless the client says otherwise


GENERATE = Endpoint(
    face="ollama.generate",
    struct="GenerateRequest",
    kinds=fields.GENERATE,
    question="prompt",
    without_model=(Kind.UNKNOWN_MODEL, "model '' not found"),
    truncates=False,  # the middle of a text would be missing, and nobody would be told
)
CHAT = Endpoint(
    face="ollama.chat",
    struct="ChatRequest",
    kinds=fields.CHAT,
    question="messages",
    without_model=(Kind.INVALID, "model is required"),
    truncates=True,  # a long conversation loses its oldest messages, as every chat program expects
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """A request that asks nothing: it is to load the model, or to unload it."""

    model: str  # as it was written
    unloads: bool


def read(body: Any, endpoint: Endpoint, *, answers: str, longest: int) -> Asked | Load:
    """Read a body.

    `answers` is the name of the model that does, `longest` how many tokens an answer may have that nothing limits.
    Raises InvalidAsked, in Ollama's words where it has some.
    """
    given = fields.of(body, endpoint.kinds, endpoint.struct)
    unloads = keep_alive.is_zero(given["keep_alive"]) if "keep_alive" in given else False
    thinks = _thinks(given.get("think", False))
    question = _question(given, endpoint)
    name = _name(given.get("model", ""), endpoint, answers)
    _check_what_is_not_done(given, name, thinks=thinks)
    if not question:
        return Load(model=given["model"], unloads=unloads)
    passed, ignored = options.read(given.get("options", {}), longest=longest)
    more = {
        "system": given.get("system"),
        "template": given.get("template"),
        "raw": given.get("raw"),
        "format": _format(given.get("format")),
        "tools": _tools(given.get("tools")),
    }
    return Asked(
        request={
            endpoint.question: question,
            **{name: value for name, value in more.items() if value or value == {}},
            "options": passed,
            "truncate": given.get("truncate", endpoint.truncates),
        },
        echo={"model": given["model"]},
        streams=given.get("stream", True),
        ignored=(*ignored, *(["keep_alive"] if "keep_alive" in given else [])),
    )


def _name(model: str, endpoint: Endpoint, answers: str) -> names.Name:
    if not model:
        kind, message = endpoint.without_model
        raise InvalidAsked(message, param="model", kind=kind)
    name = names.read(model)
    if whole(model) != whole(answers):
        raise InvalidAsked(f"model '{model}' not found", param="model", kind=Kind.UNKNOWN_MODEL)
    return name


def _question(given: Mapping[str, Any], endpoint: Endpoint) -> Any:
    asked = given.get(endpoint.question)
    return [_message(each) for each in fields.messages_of(asked)] if isinstance(asked, list) else asked


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Give a message as the model is to read it. Its thoughts are the model's own, and no part of what it reads."""
    if message.get("images"):
        raise _no_images("messages.images")
    for call in message.get("tool_calls", ()):
        if not isinstance(call, dict):
            raise fields.mismatch("ChatRequest.messages.tool_calls", "api.ToolCall", call)
        function = call.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("arguments", {}), dict):
            raise InvalidAsked(NO_CALL, param="messages.tool_calls.function.arguments")
    said = {name: value for name, value in message.items() if name not in ("images", "thinking")}
    return {"role": "", "content": "", **said}  # as Go reads what is not there


def _tools(tools: list[Any] | None) -> list[Any]:
    for tool in tools or ():
        if not isinstance(tool, dict):
            raise fields.mismatch("ChatRequest.tools", "api.Tool", tool)
    return tools or []


def _thinks(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise InvalidAsked(f"think must be a boolean or string ({THINK})", param="think")
    if value not in ("high", "medium", "low", "max"):
        raise InvalidAsked(f"invalid think value: {json.dumps(value)} (must be {THINK})", param="think")
    return True


def _format(value: Any) -> Any:
    if isinstance(value, dict):
        if problem := json_schema.problem(value):
            raise InvalidAsked(f"invalid JSON schema in format: {problem}", param="format")
        return value
    if value in (None, "", "json"):
        return value
    shown = json.dumps(json.dumps(value, separators=(",", ":")))
    raise InvalidAsked(f'invalid format: {shown}; expected "json" or a valid JSON Schema object', param="format")


def _check_what_is_not_done(given: Mapping[str, Any], name: names.Name, *, thinks: bool) -> None:
    if not 0 <= given.get("top_logprobs", 0) <= MOST_TOP_LOGPROBS:
        raise InvalidAsked("top_logprobs must be between 0 and 20", param="top_logprobs")
    if given.get("raw") and any(given.get(field) for field in ("template", "system", "context")):
        raise InvalidAsked("raw mode does not support template, system, or context", param="raw")
    if given.get("suffix"):
        raise InvalidAsked(f"{name} does not support insert", param="suffix")
    if thinks:
        raise InvalidAsked(f'"{given["model"]}" does not support thinking', param="think")
    if given.get("images"):
        raise _no_images("images")
    if given.get("context"):
        raise InvalidAsked("context is not kept; use /api/chat", param="context")
    for field in ("logprobs", "_debug_render_only"):
        if given.get(field):
            raise InvalidAsked(f"{field} is not supported", param=field)


def _no_images(param: str) -> InvalidAsked:
    return InvalidAsked("Multimodal data provided, but model does not support multimodal requests.", param=param)
