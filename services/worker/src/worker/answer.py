"""What has come of an answer so far: the pieces that Ollama streamed, and the record they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = TypeVar("Value")


class Malformed(Exception):
    """A record is not one of an answer: a field of it has another type than Ollama's has."""


class Answer:
    """Written by the thread that reads, read by the one that watches: pieces are only ever appended."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.pieces: list[str] = []
        self._thoughts: list[str] = []
        self._tool_calls: list[Any] = []
        self._is_chat = False

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self.pieces)

    def take(self, record: Mapping[str, Any]) -> str:
        """Add one record of the stream; the text that it brought, perhaps none.

        Raises Malformed, and adds nothing then.
        """
        said = _typed(record, "message", dict) or record
        piece = _typed(said, "response" if said is record else "content", str) or ""
        thought, calls = _typed(said, "thinking", str), _typed(said, "tool_calls", list)
        self._is_chat = self._is_chat or said is not record
        self._tool_calls.extend(calls or [])
        if thought:
            self._thoughts.append(thought)
        if piece:
            self.pieces.append(piece)
        return piece

    def record(self, final: Mapping[str, Any]) -> dict[str, Any]:
        """Give Ollama's final record with everything in it that was streamed before, and without its `context`."""
        whole = {key: value for key, value in final.items() if key != "context"}
        said: dict[str, Any] = whole
        if self._is_chat:
            said = whole["message"] = {"role": "assistant", **(final.get("message") or {}), "content": self.text}
        else:
            whole.pop("message", None)  # null, or empty: whoever reads a record takes its message for a chat's
            whole["response"] = self.text
        if self._thoughts:
            said["thinking"] = "".join(self._thoughts)
        if self._tool_calls:
            said["tool_calls"] = self._tool_calls
        return whole

    def tokens(self, final: Mapping[str, Any]) -> int:
        """Count tokens: Ollama's count, or else the pieces."""
        count = final.get("eval_count")
        return count if isinstance(count, int) and count > 0 else len(self.pieces)


def _typed(record: Mapping[str, Any], name: str, kind: type[Value]) -> Value | None:
    value = record.get(name)
    if value is None or isinstance(value, kind):
        return value
    message = f"{name} is no {kind.__name__}"
    raise Malformed(message)
