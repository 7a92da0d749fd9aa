"""A prompt's request in Ollama's form: the path and the body of one fresh call."""

from collections.abc import Mapping
from typing import Any

LARGEST = 2**31 - 1  # a larger limit of tokens would overflow an integer of Ollama's runner


def call_for(request: Mapping[str, Any], *, model: str, max_tokens: int) -> tuple[str, dict[str, Any]]:
    """Give the path and the body that ask `request` of `model`.

    Tools exist only in a chat, so a prompt with tools becomes one. A template, or none (`raw`), exists only outside of
    a chat. A prompt that is too long is refused, unless the request lets it be cut (`truncate`). No `context` and no
    `keep_alive` are ever sent: the first would carry one prompt into the next, the second would change the model for
    everybody.
    """
    options = dict(request.get("options") or {})
    limit = options.get("num_predict") or 0
    # Without one Ollama writes up to ten times its context, over an hour on a slow CPU.
    options["num_predict"] = min(limit, LARGEST) if limit > 0 else max_tokens
    body: dict[str, Any] = {
        "model": model,
        "stream": True,
        "truncate": request.get("truncate") is True,
        "options": options,
    }
    if request.get("format") is not None:  # {} is a schema too: any JSON
        body["format"] = request["format"]
    messages, tools, system = request.get("messages"), request.get("tools"), request.get("system")
    if request.get("raw") or not (messages or tools):
        body["prompt"] = request["prompt"]
        body |= {name: request[name] for name in ("system", "raw", "template") if request.get(name)}
        return "/api/generate", body
    asked = messages or [{"role": "user", "content": request["prompt"]}]
    body["messages"] = [{"role": "system", "content": system}, *asked] if system else list(asked)
    if tools:
        body["tools"] = tools
    return "/api/chat", body


def is_shaped(request: Mapping[str, Any]) -> bool:
    """Whether it asks for a shape of its answer: only then can it be at fault where that cannot be had."""
    messages = request.get("messages") or []
    return bool(
        request.get("format") is not None
        or request.get("tools")
        or any(message.get("tool_calls") or message.get("role") == "tool" for message in messages)
    )


def is_templated(request: Mapping[str, Any]) -> bool:
    """Whether it brings a template of its own: only then can it be at fault where a template cannot be used."""
    return bool(request.get("template"))
