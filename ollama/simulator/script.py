"""Answers that were told beforehand: what a conversation is to be answered, word by word and call by call."""

import hashlib
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from . import gojson
from .errors import NotUnderstood
from .question import Question


@dataclass(kw_only=True)
class Line:
    """What the next `times` calls (null: every one) are answered that it fits, instead of made-up words.

    It fits a call whose texts contain `match`, in which the assistant has spoken `turn` times (null: any number), and
    whose tools have all that it calls. With a turn the same conversation gets the same answer however often it comes.
    """

    match: str = ""
    turn: int | None = None
    times: int | None = 1
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    """Each a `name` and its `arguments`."""

    def fits(self, question: Question) -> bool:
        """Whether this call is answered so."""
        spoken = sum(str(each.get("role", "")).lower() == "assistant" for each in question.messages)
        return (
            self.match in question.all_text
            and self.turn in (None, spoken)
            and {call["name"] for call in self.tool_calls} <= question.tool_names
        )

    def calls(self, question: Question) -> list[dict[str, Any]]:
        """Its calls as an answer has them; in each place of each conversation they have ids of their own."""
        return [
            {
                "id": f"call_{_digest(call, question.messages, index)}",
                "function": {"index": index, "name": call["name"], "arguments": call["arguments"]},
            }
            for index, call in enumerate(self.tool_calls)
        ]


class Script:
    """The lines that are still to be said, first in first out among those that fit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[Line] = []

    def add(self, *lines: Line) -> None:
        """Have them said after those that are there."""
        with self._lock:
            self._lines += lines

    def take(self, question: Question) -> Line | None:
        """What this call is answered; None: nothing was told."""
        with self._lock:
            for line in self._lines:
                if line.fits(question):
                    if line.times is not None:
                        line.times -= 1
                        if line.times <= 0:
                            self._lines.remove(line)
                    return line
        return None

    def clear(self) -> None:
        """Make answers up again."""
        with self._lock:
            self._lines.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Those that are still to be said."""
        with self._lock:
            return [asdict(line) for line in self._lines]


def read_line(given: Any) -> Line:
    """Read what the control endpoint was sent.

    Raises:
        NotUnderstood: it is no answer.
    """
    if not isinstance(given, dict):
        raise NotUnderstood("answer", "is an object with `text`, `tool_calls` or both")
    unknown = set(given) - {each.name for each in fields(Line)}
    if unknown:
        raise NotUnderstood("answer", f"has no {', '.join(sorted(unknown))}")
    for name in ("match", "text"):
        if not isinstance(given.get(name, ""), str):
            raise NotUnderstood(name, "is a text")
    for name, least in (("turn", 0), ("times", 1)):
        value = given.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise NotUnderstood(name, f"is null or a number from {least} on")
    if not given.get("text") and not given.get("tool_calls"):
        raise NotUnderstood("answer", "says nothing")
    calls = given.get("tool_calls", [])
    if not isinstance(calls, list) or not all(map(_is_call, calls)):
        raise NotUnderstood("tool_calls", "is a list of objects, each with a `name` and `arguments`")
    return Line(**given)


def _is_call(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and set(given) == {"name", "arguments"}
        and isinstance(given["name"], str)
        and isinstance(given["arguments"], dict)
    )


def _digest(call: dict[str, Any], messages: list[dict[str, Any]], index: int) -> str:
    return hashlib.sha256(gojson.dumps([call, messages, index])).hexdigest()[:8]
