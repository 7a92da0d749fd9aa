"""What has come of an answer so far: the text that Ollama streamed, and the record that it adds up to."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from worker.ollama.record import is_deeper

Value = TypeVar("Value")

LONGEST = 10 * 1024 * 1024  # bytes of UTF-8 of an answer: its text, its thoughts and its tool calls together
DEEPEST = 32  # levels of a tool call; JSON that nests deeper cannot be written
MOST_FIELDS = 64  # of a final record; Ollama's have a dozen
LONGEST_FIELD = 300  # characters of a field of it that is neither text nor number
MOST_TOKENS = 2**31  # of an answer: a count beyond it is a slip, or worse
MOST_REPEATS = 30  # pieces that are the same but for white space: at the next, Ollama breaks an answer off
OURS = ("id", "status", "outcome")  # what the API adds to the record's own fields


class Malformed(Exception):
    """A record is not part of an answer: a field has another type than Ollama gives it."""


class TooMuch(Exception):
    """An answer is longer than any that is kept."""


class Unwritten(NamedTuple):
    """Text that is not in the queue yet, where it begins, and how many tokens have come by then."""

    text: str
    offset: int
    tokens: int


class Answer:
    """Written by the thread that reads, read by the one that watches: text is only ever appended."""

    def __init__(self) -> None:
        """Begin empty."""
        self.tokens_come = 0
        self._text = bytearray()  # in UTF-8: of single pieces, each of an object's weight, there may be millions
        self._thoughts = bytearray()
        self._tool_calls: list[Any] = []
        self._size = 0  # bytes of it all
        self._is_chat = False
        self._last_token = ""
        self._repeats = 0
        self._written = 0  # bytes of the text that are in the queue
        self._characters_written = 0

    @property
    def text(self) -> str:
        """The whole text so far."""
        return self._text.decode()

    @property
    def repeats_itself(self) -> bool:
        """Whether it has repeated itself for so long that Ollama breaks it off: without a word, until 0.33."""
        return self._repeats >= MOST_REPEATS

    def take(self, record: Mapping[str, Any]) -> str:
        """Add one record of the stream; the text that it brought, perhaps none.

        Raises Malformed or TooMuch, and adds nothing then.
        """
        message = _typed(record, "message", dict) or record
        piece = _typed(message, "response" if message is record else "content", str) or ""
        thought, calls = _typed(message, "thinking", str) or "", _typed(message, "tool_calls", list) or []
        text, thoughts = piece.encode(), thought.encode()
        size = self._size + len(text) + len(thoughts) + _size(calls)
        if size > LONGEST:
            raise TooMuch
        self._size = size
        self._is_chat = self._is_chat or message is not record
        self._tool_calls += calls
        self._thoughts += thoughts
        if piece:
            self._text += text
            self.tokens_come += 1
            token = piece[:LONGEST_FIELD].strip()  # longer pieces are not tokens, and are not kept twice
            self._repeats = self._repeats + 1 if token == self._last_token else 1
            self._last_token = token
        return piece

    def unwritten(self, most: int = LONGEST) -> Unwritten | None:
        """Give text that is not in the queue yet, at most so many bytes; None if there is none."""
        tokens, text = self.tokens_come, self._text[self._written : self._written + most]
        while (
            text and len(self._text) > self._written + len(text) and _is_within(self._text[self._written + len(text)])
        ):
            text.pop()  # a character is written whole
        return Unwritten(text.decode(), self._characters_written, tokens) if text else None

    def wrote(self, piece: Unwritten) -> None:
        """Take note that this is in the queue now."""
        self._written += len(piece.text.encode())
        self._characters_written += len(piece.text)

    def record(self, final: Mapping[str, Any]) -> dict[str, Any]:
        """Give Ollama's final record with everything that was streamed before, its fields in their order.

        Words and numbers are kept; of lists and objects only the tool calls belong to an answer (`context` does not).
        """
        whole = _plain({**final, "message": ""} if "message" in final else final)  # the place of what is put there
        message: dict[str, Any] = whole
        if self._is_chat:
            whole.pop("response", None)
            message = whole["message"] = {"role": "assistant", "content": self.text}
        else:
            whole.pop("message", None)
            whole["response"] = self.text
        whole.pop("thinking", None)
        if self._thoughts:
            message["thinking"] = self._thoughts.decode()
        if self._tool_calls:
            message["tool_calls"] = self._tool_calls
        return whole

    def tokens(self, final: Mapping[str, Any]) -> int:
        """Count tokens: Ollama's count, or else the pieces."""
        count = final.get("eval_count")
        return count if type(count) is int and 0 < count < MOST_TOKENS else self.tokens_come


def _is_within(byte: int) -> bool:
    """Whether a character goes on with this byte of UTF-8."""
    return byte >> 6 == 0b10  # noqa: PLR2004 (UTF-8's own mark)


def _plain(final: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in final.items():
        if len(plain) == MOST_FIELDS:
            break
        if name not in OURS and len(name) <= LONGEST_FIELD and isinstance(value, str | int | float):
            plain[name] = value[:LONGEST_FIELD] if isinstance(value, str) else value
    return plain


def _size(calls: list[Any]) -> int:
    """Give the length of tool calls as JSON. Raises Malformed: they nest too deep."""
    if not calls:
        return 0
    if is_deeper(calls, DEEPEST):
        message = f"tool_calls nest deeper than {DEEPEST} levels"
        raise Malformed(message)
    return len(json.dumps(calls, ensure_ascii=False, separators=(",", ":")).encode())


def _typed(record: Mapping[str, Any], name: str, kind: type[Value]) -> Value | None:
    value = record.get(name)
    if value is None or isinstance(value, kind):
        return value
    message = f"{name} is not a {kind.__name__}"
    raise Malformed(message)
