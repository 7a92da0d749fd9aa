"""The answer of a prompt that succeeded, as every protocol needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptqueue.wire import text_of


@dataclass(frozen=True, slots=True)
class Answer:
    """The model server's final record, read."""

    record: Mapping[str, Any]
    completed_at: float | None = None  # seconds since the epoch: the prompt's

    @property
    def text(self) -> str:
        """The whole text; empty where the model only called tools."""
        return text_of(self.record)

    @property
    def calls(self) -> Sequence[Mapping[str, Any]]:
        """The tool calls in Ollama's form: `{"id", "function": {"name", "arguments": {…}}}`, perhaps without the id."""
        return (self.record.get("message") or {}).get("tool_calls") or ()

    @property
    def is_cut(self) -> bool:
        """Whether it ended at the limit of tokens."""
        return self.record.get("done_reason") == "length"

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the prompt had."""
        return self.record.get("prompt_eval_count") or 0

    @property
    def tokens(self) -> int:
        """How many tokens the answer has."""
        return self.record.get("eval_count") or 0
