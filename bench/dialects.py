"""The protocols in which a model is asked: where, with which body, and what each line of a streamed answer brings."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "llama3.2"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One way to ask for an answer."""

    name: str
    path: str
    asked: Callable[[str], dict[str, Any]]  # the body's fields for a prompt, besides model and stream
    text: Callable[[Any], str | None]  # what a record or event brings of the answer; None or "": nothing

    def at(self, path: str) -> Dialect:
        """Give the same, spoken at another path."""
        return replace(self, path=path)

    def body(self, prompt: str = "Why is the sky blue?", *, stream: bool = True) -> bytes:
        """Write the body of a call."""
        return json.dumps({"model": MODEL, "stream": stream, **self.asked(prompt)}).encode()

    def said(self, line: bytes) -> str:
        """Give the text that a line of a streamed answer brings; empty where it brings none."""
        data = line.removeprefix(b"data:").strip()
        return self.text(json.loads(data)) or "" if data.startswith(b"{") else ""


def _message(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _choice(event: dict[str, Any]) -> dict[str, Any]:
    return next(iter(event["choices"]), {})


GENERATE = Dialect(
    name="/api/generate",
    path="/api/generate",
    asked=lambda prompt: {"prompt": prompt},
    text=lambda record: record["response"],
)
CHAT = Dialect(
    name="/api/chat",
    path="/api/chat",
    asked=lambda prompt: {"messages": _message(prompt)},
    text=lambda record: record["message"]["content"],
)
CHAT_COMPLETIONS = Dialect(
    name="/v1/chat/completions",
    path="/v1/chat/completions",
    asked=lambda prompt: {"messages": _message(prompt)},
    text=lambda event: _choice(event).get("delta", {}).get("content"),
)
COMPLETIONS = Dialect(
    name="/v1/completions",
    path="/v1/completions",
    asked=lambda prompt: {"prompt": prompt},
    text=lambda event: _choice(event).get("text"),
)
RESPONSES = Dialect(
    name="/v1/responses",
    path="/v1/responses",
    asked=lambda prompt: {"input": prompt},
    text=lambda event: event["delta"] if event["type"] == "response.output_text.delta" else None,
)
MESSAGES = Dialect(
    name="/v1/messages",
    path="/v1/messages",
    asked=lambda prompt: {"messages": _message(prompt), "max_tokens": 4000},
    text=lambda event: event["delta"].get("text") if event["type"] == "content_block_delta" else None,
)
DIALECTS = (GENERATE, CHAT, CHAT_COMPLETIONS, COMPLETIONS, RESPONSES, MESSAGES)
