"""What has come of an answer so far: the pieces that Ollama streamed, and the record they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer:
    """Written by the thread that reads, read by the one that watches: pieces are only ever appended."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.pieces: list[str] = []
        self._thoughts: list[str] = []
        self._tool_calls: list[Any] = []

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self.pieces)

    def take(self, record: Mapping[str, Any]) -> str:
        """Add one record of the stream; the text that it brought, perhaps none."""
        said = record.get("message") or record
        if thought := said.get("thinking"):
            self._thoughts.append(thought)
        if calls := said.get("tool_calls"):
            self._tool_calls.extend(calls)
        piece: str = said.get("response" if said is record else "content") or ""
        if piece:
            self.pieces.append(piece)
        return piece

    def record(self, final: Mapping[str, Any]) -> dict[str, Any]:
        """Give Ollama's final record with everything in it that was streamed before, and without its `context`."""
        whole = {key: value for key, value in final.items() if key != "context"}
        said: dict[str, Any] = whole
        if "message" in final:
            said = whole["message"] = {"role": "assistant", **final["message"], "content": self.text}
        else:
            whole["response"] = self.text
        if self._thoughts:
            said["thinking"] = "".join(self._thoughts)
        if self._tool_calls:
            said["tool_calls"] = self._tool_calls
        return whole

    def tokens(self, final: Mapping[str, Any]) -> int:
        """Count tokens: Ollama's count, or else the pieces."""
        return int(final.get("eval_count") or len(self.pieces))
