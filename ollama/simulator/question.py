"""What a generate or chat call asks, checked in Ollama's order."""

import re
from dataclasses import dataclass
from typing import Any

from .duration import Duration
from .errors import Refused
from .fields import read_fields
from .name import Name, parse_name
from .options import Options, read_options
from .prompt import render, token_ids, without_oldest
from .settings import Settings
from .template import check_template

MOST_TOP_LOGPROBS = 20


@dataclass(frozen=True, kw_only=True)
class Question:
    """A call whose fields have the right types."""

    is_chat: bool
    given: dict[str, Any]
    messages: list[dict[str, Any]]

    @property
    def is_empty(self) -> bool:
        """It asks for nothing: the model is loaded, or unloaded."""
        return not self.messages if self.is_chat else not self.given.get("prompt")

    @property
    def unloads(self) -> bool:
        """An empty one with keep_alive 0."""
        return self.is_empty and self.keep_alive == Duration(0.0)

    @property
    def model(self) -> str:
        """The model's name as sent."""
        return str(self.given.get("model", ""))

    @property
    def keep_alive(self) -> Duration | None:
        """None: as before."""
        return self.given.get("keep_alive")

    @property
    def streams(self) -> bool:
        """Whether the answer comes in lines."""
        return bool(self.given.get("stream", True))

    @property
    def format(self) -> Any:
        """None, "json", a schema, or something that is refused."""
        asked = self.given.get("format")
        return None if asked == "" else asked

    @property
    def last_text(self) -> str:
        """What the simulated answer talks about."""
        return str(self.messages[-1].get("content", "")) if self.messages else ""

    @property
    def all_text(self) -> str:
        """What faults are matched with."""
        return "\n".join(str(message.get("content", "")) for message in self.messages)

    @property
    def tools(self) -> list[Any]:
        """The tools that may be called; the template shows them to a user's last word only."""
        asked = self.given.get("tools") or []
        return asked if self.messages and str(self.messages[-1].get("role", "")).lower() == "user" else []

    @property
    def tool_names(self) -> set[str]:
        """All that were offered, whoever spoke last."""
        functions = [(tool or {}).get("function") or {} for tool in self.given.get("tools") or []]
        return {str(each.get("name")) for each in functions}

    @property
    def has_images(self) -> bool:
        """Whether an image came with it."""
        return bool(self.given.get("images")) or any(message.get("images") for message in self.messages)

    def name(self) -> Name:
        """The model's whole name.

        Raises:
            Refused: none or an invalid one.
        """
        if not self.model:
            raise Refused(400, "model is required") if self.is_chat else Refused(404, "model '' not found")
        name = parse_name(self.model)
        if name.is_cloud:
            raise Refused(403, "ollama cloud is disabled: remote model is unavailable")
        return name

    def check(self) -> None:
        """Check what is answered at once.

        Raises:
            Refused: with Ollama's words.
        """
        if not 0 <= self.given.get("top_logprobs", 0) <= MOST_TOP_LOGPROBS:
            raise Refused(400, "top_logprobs must be between 0 and 20")
        if self.given.get("raw") and any(self.given.get(field) for field in ("template", "system", "context")):
            raise Refused(400, "raw mode does not support template, system, or context")
        if self.given.get("suffix"):
            raise Refused(400, f"{self.name()} does not support insert")
        if self.given.get("think"):
            raise Refused(400, f'"{self.model}" does not support thinking')

    def options(self, settings: Settings) -> Options:
        """Its options.

        Raises:
            Refused: 500, one has the wrong type.
        """
        shift = bool(self.given.get("shift", True))
        return read_options(self.given.get("options", {}), context_length=settings.context_length, shift=shift)

    def rendered(self, num_ctx: int, bytes_per_token: int) -> str:
        """What the model would read; a conversation that is too long loses its oldest messages, in silence.

        Raises:
            Refused: 500, the template is none.
        """
        template = self.given.get("template")
        if self.given.get("raw"):
            return self.last_text
        if not template:
            return self._rendered_conversation(num_ctx, bytes_per_token)
        check_template(template)
        texts = {"Prompt": self.last_text, "System": str(self.given.get("system", ""))}
        return re.sub(r"\{\{-?\s*\.?(\w*)[^}]*\}\}", lambda found: texts.get(found[1], ""), template)

    def _rendered_conversation(self, num_ctx: int, bytes_per_token: int) -> str:
        messages, has_tools = self.messages, bool(self.tools)
        rendered = render(messages, tools=has_tools)
        while self.is_chat and self.given.get("truncate") is not False:
            if len(token_ids(rendered, bytes_per_token)) < num_ctx or without_oldest(messages) == messages:
                break
            messages = without_oldest(messages)
            rendered = render(messages, tools=has_tools)
        return rendered


def read_question(body: Any, *, is_chat: bool) -> Question:
    """Read a call's body.

    Raises:
        Refused: 400, a field has the wrong type.
    """
    given = read_fields(body, "ChatRequest" if is_chat else "GenerateRequest")
    if is_chat:
        messages = given.get("messages", [])
    else:
        messages = [{"role": "system", "content": given["system"]}] if given.get("system") else []
        messages.append({"role": "user", "content": given.get("prompt", "")})
    return Question(is_chat=is_chat, given=given, messages=messages)
