"""The answer to a chat completion, whole or in chunks, with the fields and in the order that Ollama writes."""

from collections.abc import Iterator, Mapping
from typing import Any

from promptqueue.prompt import Prompt

from proxy.calls.answer import Answer
from proxy.calls.names import hex_of
from proxy.faces.openai.endings import FINGERPRINT, finish_of, usage_of
from proxy.faces.openai.events import DONE, Waiting, event
from proxy.faces.openai.tools import calls_written

PREFIX = "chatcmpl-"


class ChatWriter(Waiting):
    """Writes one chat completion."""

    def __init__(self, prompt: Prompt, echo: Mapping[str, Any]) -> None:
        self._prompt_id = prompt.id
        self._created = int(prompt.created_at)
        self._echo = echo
        self._has_role = False

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:  # noqa: ARG002 (a chunk has no place for them)
        """Give a chunk with more of the text."""
        return self._delta({"content": piece}) if piece else b""

    def ending(self, answer: Answer, *, attempt: int) -> Iterator[bytes]:  # noqa: ARG002
        """Give the calls, if any, and then, in one piece, why it ended, the counts if they are wanted, and the end."""
        if answer.calls:
            yield self._delta({"tool_calls": calls_written(answer.calls, prompt_id=self._prompt_id)})
        elif not self._has_role:
            yield self._delta({"content": ""})
        counts = self._chunk(choices=[], usage=usage_of(answer)) if self._echo["include_usage"] else b""
        yield self._chunk(choices=[_choice({}, finish_of(answer))]) + counts + DONE

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.calls:
            message["tool_calls"] = calls_written(answer.calls, prompt_id=self._prompt_id)
        choice = {"index": 0, "message": message, "finish_reason": finish_of(answer)}
        return self._object("chat.completion", choices=[choice], usage=usage_of(answer))

    def _delta(self, delta: dict[str, Any]) -> bytes:
        role = {} if self._has_role else {"role": "assistant"}
        self._has_role = True
        return self._chunk(choices=[_choice(role | delta, None)])

    def _chunk(self, **content: Any) -> bytes:
        return event(self._object("chat.completion.chunk", **content))

    def _object(self, kind: str, **content: Any) -> dict[str, Any]:
        tier = self._echo.get("service_tier")
        return {
            "id": f"{PREFIX}{hex_of(self._prompt_id)}",
            "object": kind,
            "created": self._created,
            "model": self._echo["model"],
            "system_fingerprint": FINGERPRINT,
            **content,
            **({} if tier is None else {"service_tier": tier}),
        }


def _choice(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}
