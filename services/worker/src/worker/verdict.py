"""What the end of a call to Ollama means: the decision table, first matching row wins.

The texts are Ollama's own, of versions 0.24 to 0.34: by nothing else does it tell faults of the prompt, of the model's
files and of its runner apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from worker.words import answered, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class How(StrEnum):
    """How a call ended, as seen on the wire or by the watcher's clock."""

    NOT_CONNECTED = "not connected"
    BROKEN = "broken"  # closed or reset before the end
    REDIRECTED = "redirected"
    REJECTED = "rejected"  # a status other than 200
    ERROR_LINE = "error line"  # in a stream that had begun well
    GIBBERISH = "gibberish"  # 200 and no JSON records
    UNFINISHED = "unfinished"  # a clean end without `done: true`
    DONE = "done"
    NO_FIRST_BYTE = "no first byte"
    STALLED = "stalled"
    OUT_OF_TIME = "out of time"
    UNANSWERED = "unanswered"  # a question, within the time that it has
    TOO_MUCH = "too much"  # a line or an answer is longer than any that is kept


class Verdict(StrEnum):
    """What follows from the end of a call."""

    SUCCESS = "success"
    FAILURE = "failure"  # counts against the budget, may run again
    REFUSED = "refused"  # the prompt's own fault: never again
    TOO_LONG = "too long"
    TIMED_OUT = "timed out"
    TOO_MUCH = "too much"  # never again, with what came
    DOWN = "down"  # costs nothing; claiming waits for Ollama
    MISSING = "missing"  # costs nothing; claiming waits for the model
    STORE_BROKEN = "store broken"  # costs nothing; claiming waits for the model's files


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was seen of a call's end.

    `words` are the error that Ollama told as JSON, as it came, or else those of whoever ended the call; what was no
    such error may be a stranger's, and is kept nowhere.
    """

    how: How
    status: int | None = None
    words: str = ""
    record: Mapping[str, Any] | None = None
    in_json: bool = False  # the words came as Ollama tells its errors, {"error": "words"}: no gateway's page does
    retry_after: float | None = None  # seconds, as a Retry-After header told

    @property
    def told(self) -> str:
        """How the call ended without Ollama's words, in which there may be the prompt's: for the log."""
        return f"{self.how} {self.status}" if self.status else self.how.value


class OllamaFailed(Exception):
    """A call to Ollama came to a bad end, which `seen` describes."""

    def __init__(self, seen: Seen) -> None:
        """Carry what was seen."""
        super().__init__(cause(seen))
        self.seen = seen


class Only(StrEnum):
    """What must hold besides, for a row to match; asked for only when it decides."""

    UNREACHABLE = "unreachable"  # /api/version fails too
    UNLISTED = "unlisted"  # /api/tags does not have the model


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the table."""

    how: How
    status: int | None = None  # None: any
    words: str = ""  # a regular expression that is searched for
    only: Only | None = None
    verdict: Verdict


BROKEN_FILES = r"invalid file magic|exceeds file size|^invalid character|^EOF$"

TABLE = (
    Row(how=How.NOT_CONNECTED, verdict=Verdict.DOWN),
    Row(how=How.REDIRECTED, verdict=Verdict.DOWN),
    # The server died. If it lives, this prompt may be what kills its runner: it must not stop the line for ever.
    Row(how=How.BROKEN, only=Only.UNREACHABLE, verdict=Verdict.DOWN),
    Row(how=How.BROKEN, verdict=Verdict.FAILURE),
    Row(how=How.REJECTED, status=403, words=r"^$", verdict=Verdict.DOWN),
    Row(how=How.REJECTED, status=404, words=r"model .* not found", only=Only.UNLISTED, verdict=Verdict.MISSING),
    Row(how=How.REJECTED, status=404, verdict=Verdict.FAILURE),
    Row(how=How.REJECTED, status=400, words=r"does not support (generate|chat)", verdict=Verdict.STORE_BROKEN),
    Row(
        how=How.REJECTED,
        status=400,
        words=r"exceed_context_size_error|input length exceeds the context length",
        verdict=Verdict.TOO_LONG,
    ),
    Row(how=How.REJECTED, status=400, verdict=Verdict.REFUSED),
    Row(how=How.REJECTED, status=500, words=r'option "|invalid format|schema|template', verdict=Verdict.REFUSED),
    Row(how=How.REJECTED, status=500, words=BROKEN_FILES, verdict=Verdict.STORE_BROKEN),
    Row(how=How.REJECTED, status=500, verdict=Verdict.FAILURE),
    Row(how=How.REJECTED, status=503, words=r"server busy", verdict=Verdict.DOWN),
    Row(how=How.NO_FIRST_BYTE, verdict=Verdict.FAILURE),
    Row(how=How.STALLED, verdict=Verdict.FAILURE),
    Row(how=How.OUT_OF_TIME, verdict=Verdict.TIMED_OUT),
    Row(how=How.TOO_MUCH, verdict=Verdict.TOO_MUCH),
    Row(how=How.ERROR_LINE, verdict=Verdict.FAILURE),
    Row(how=How.UNFINISHED, verdict=Verdict.FAILURE),
    Row(how=How.GIBBERISH, verdict=Verdict.FAILURE),
    Row(how=How.DONE, words=r"^(stop|length)$", verdict=Verdict.SUCCESS),
    Row(how=How.DONE, verdict=Verdict.FAILURE),  # load, unload: nothing was generated
)


def judge(seen: Seen, holds: Callable[[Only], bool]) -> Verdict:
    """Find what follows from `seen`; `holds` asks Ollama what the table wants to know besides."""
    for row in TABLE:
        if (
            row.how is seen.how
            and row.status in (None, seen.status)
            and re.search(row.words, seen.words)
            and (row.only is None or holds(row.only))
        ):
            return row.verdict
    return Verdict.FAILURE


def cause(seen: Seen) -> str:  # noqa: PLR0911 (a table in the shape of a match)
    """Say in words for whoever asked why there is no answer."""
    words = one_line(seen.words)
    match seen.how:
        case How.NOT_CONNECTED:
            return f"the model server could not be reached: {words}"
        case How.BROKEN:
            return "the connection to the model server broke off"
        case How.REDIRECTED | How.REJECTED:
            return words or f"the model server {answered(seen.status)}"
        case How.ERROR_LINE:
            return words or "the model server reported an error without a word"
        case How.GIBBERISH:
            return "the model server sent something that is not an answer"
        case How.UNFINISHED:
            return "the model's answer ended before it was done"
        case How.DONE:
            return f"the model server ended the answer with {words!r}" if words else "the answer ended without a reason"
        case _:
            return words


def too_long(seen: Seen) -> str:
    """Say that a prompt is too long, with both counts where Ollama gives them (since 0.30)."""
    counts = re.search(r"\((\d+) tokens\).*\((\d+) tokens\)", seen.words)
    if not counts:
        return "The prompt is longer than the model's context."
    return f"The prompt has {counts[1]} tokens, the model's context holds {counts[2]}."
