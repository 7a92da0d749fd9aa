"""The answer to a completion, whole or in chunks, with the fields and in the order that Ollama writes."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from promptqueue.prompt import Prompt

from proxy.calls.answer import Answer
from proxy.calls.names import hex_of
from proxy.faces.openai.endings import FINGERPRINT, NO_USAGE, finish_of, usage_of
from proxy.faces.openai.events import DONE, Waiting, event

PREFIX = "cmpl-"

LOADED = Answer(record={"done_reason": "load"})
"""The answer to an empty prompt: Ollama loads its model and says nothing."""


class CompletionWriter(Waiting):
    """Writes one completion."""

    def __init__(self, name: str, created: float, echo: Mapping[str, Any]) -> None:
        """Write the completion of this name (32 hexadecimal digits), created at so many seconds since the epoch."""
        self._id = f"{PREFIX}{name}"
        self._created = int(created)
        self._echo = echo

    @classmethod
    def of(cls, prompt: Prompt, echo: Mapping[str, Any]) -> Self:
        """Write that of a prompt."""
        return cls(hex_of(prompt.id), prompt.created_at, echo)

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:  # noqa: ARG002 (a chunk has no place for them)
        """Give a chunk with more of the text."""
        return self._chunk([_choice(piece, None)]) if piece else b""

    def ending(self, answer: Answer, *, attempt: int) -> Iterator[bytes]:  # noqa: ARG002
        """Give, in one piece, why it ended, the counts if they are wanted, and the end."""
        last = self._chunk([_choice("", finish_of(answer))])
        counts = self._chunk([], usage_of(answer)) if self._echo["include_usage"] else b""
        yield last + counts + DONE

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the whole answer."""
        choices = [_choice(answer.text, finish_of(answer))]
        return {**self._head, **self._model, "choices": choices, "usage": usage_of(answer), **self._tier}

    def _chunk(self, choices: list[dict[str, Any]], usage: Mapping[str, int] = NO_USAGE) -> bytes:
        """Give a chunk; where counts are wanted, each has some."""
        counts = {"usage": usage} if self._echo["include_usage"] else {}
        return event({**self._head, "choices": choices, **self._model, **counts, **self._tier})

    @property
    def _head(self) -> dict[str, Any]:
        return {"id": self._id, "object": "text_completion", "created": self._created}

    @property
    def _model(self) -> dict[str, Any]:
        return {"model": self._echo["model"], "system_fingerprint": FINGERPRINT}

    @property
    def _tier(self) -> dict[str, Any]:
        return {name: self._echo[name] for name in ("service_tier",) if name in self._echo}


def _choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "finish_reason": finish}
