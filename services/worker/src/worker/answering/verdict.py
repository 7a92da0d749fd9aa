"""Whose fault the end of a call is: the decision table, first matching row wins.

The texts are Ollama's own, of versions 0.24 to 0.34: by nothing else does it tell faults of the prompt, of the model's
files and of its runner apart. What no client can cause is never the prompt's fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from worker.ollama.words import answered, clipped, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class EndKind(StrEnum):
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
    # The prompt's fault: it ends.
    REFUSED = "refused"
    TOO_LONG = "too long"
    TOO_MUCH = "too much"  # with what came
    # Time's: it ends.
    TIMED_OUT = "timed out"
    # The server's: costs nothing, the line is held.
    AWAY = "away"  # it does not answer
    TROUBLED = "troubled"  # it answers, and cannot serve
    MISSING = "missing"  # it has no such model
    STORE_BROKEN = "store broken"  # it has the model's files, and cannot use them
    # Nobody knows whose: the prompt is tried again, and pays where others are answered meanwhile.
    UNCLEAR = "unclear"

    @property
    def is_servers(self) -> bool:
        """Whether nothing but the server, or what stands in front of it, can be at fault."""
        return self in (Verdict.AWAY, Verdict.TROUBLED, Verdict.MISSING, Verdict.STORE_BROKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnd:
    """What was seen of a call's end.

    `words` are the error that Ollama told as JSON, as it came, or else those of whoever ended the call; what was no
    such error may be a stranger's, and is kept nowhere.
    """

    how: EndKind
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

    def __init__(self, seen: CallEnd) -> None:
        """Carry what was seen."""
        super().__init__(cause(seen))
        self.seen = seen


class Only(StrEnum):
    """What must hold besides, for a row to match; asked for only when it decides."""

    UNREACHABLE = "unreachable"  # /api/version fails too
    UNLISTED = "unlisted"  # /api/tags does not have the model
    SHAPED = "shaped"  # the prompt came with a format or with tools
    OTHERS_ANSWERED = "others answered"  # the server has answered another prompt within the last minute


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the table."""

    how: EndKind | None = None  # None: any
    status: tuple[int, ...] = ()  # none: any
    words: str = ""  # a regular expression that is searched for
    in_json: bool | None = None  # None: whether or not
    only: Only | None = None
    verdict: Verdict


NO_REASON = "the answer ended without a reason"
TURNED_AWAY = (401, 402, 403, 405, 407, 421, 426, 429, 451, 503)
"""What a server or a gateway answers for reasons of its own, whatever it was asked."""

DISLIKED = (400, 413, 415, 422)
"""What a gateway answers to a body that it does not like, or to all of them when it is set up wrong."""

NO_SUCH_MODEL = r"model .* not found|^invalid model name|^model is required"
BROKEN_FILES = r"invalid file magic|exceeds file size|^invalid character|^EOF$"
CANNOT_LOAD = (
    r"process has terminated|timed out waiting for .* to start|requires more system memory|out of memory|cudaMalloc"
    r"|unable to allocate|failed to allocate|binary not found|do load request|(unable|failed|error) .*load.* model"
)
TOO_MANY_TOKENS = r"exceed_context_size_error|input length exceeds the context length"
ABOUT_OPTIONS = r'^option "'
ABOUT_SHAPE = r"schema|grammar|invalid format|does not support tools"
UNWRITABLE_NUMBER = r"json: unsupported value"

TABLE = (
    Row(how=EndKind.DONE, words=r"^(stop|length)$", verdict=Verdict.SUCCESS),
    # ---- time's
    Row(how=EndKind.OUT_OF_TIME, verdict=Verdict.TIMED_OUT),
    # ---- the server's
    Row(how=EndKind.NOT_CONNECTED, verdict=Verdict.AWAY),
    Row(how=EndKind.UNANSWERED, verdict=Verdict.AWAY),
    Row(how=EndKind.REDIRECTED, verdict=Verdict.AWAY),
    Row(how=EndKind.REJECTED, status=TURNED_AWAY, verdict=Verdict.TROUBLED),
    Row(how=EndKind.REJECTED, status=(400, 404), words=NO_SUCH_MODEL, only=Only.UNLISTED, verdict=Verdict.MISSING),
    Row(how=EndKind.REJECTED, status=(400, 404), words=NO_SUCH_MODEL, verdict=Verdict.STORE_BROKEN),
    Row(how=EndKind.REJECTED, status=(404,), verdict=Verdict.TROUBLED),
    Row(how=EndKind.REJECTED, status=(400,), words=r"does not support (generate|chat)", verdict=Verdict.STORE_BROKEN),
    Row(how=EndKind.REJECTED, status=(500,), words=BROKEN_FILES, verdict=Verdict.STORE_BROKEN),
    Row(how=EndKind.REJECTED, status=(500,), words=CANNOT_LOAD, verdict=Verdict.TROUBLED),
    Row(how=EndKind.REJECTED, status=(500,), words=r"template", verdict=Verdict.TROUBLED),
    # ---- the prompt's
    Row(how=EndKind.TOO_MUCH, verdict=Verdict.TOO_MUCH),
    Row(how=EndKind.REJECTED, status=(400,), words=TOO_MANY_TOKENS, verdict=Verdict.TOO_LONG),
    Row(how=EndKind.REJECTED, status=(400, 500), words=ABOUT_OPTIONS, verdict=Verdict.REFUSED),
    Row(how=EndKind.REJECTED, status=(400, 500), words=ABOUT_SHAPE, only=Only.SHAPED, verdict=Verdict.REFUSED),
    Row(how=EndKind.REJECTED, status=(400, 500), words=ABOUT_SHAPE, verdict=Verdict.UNCLEAR),
    Row(how=EndKind.REJECTED, status=(400, 500), words=UNWRITABLE_NUMBER, verdict=Verdict.REFUSED),
    Row(how=EndKind.REJECTED, status=(400,), in_json=True, verdict=Verdict.REFUSED),
    Row(how=EndKind.REJECTED, status=DISLIKED, only=Only.OTHERS_ANSWERED, verdict=Verdict.REFUSED),
    # ---- nobody knows, unless the server is gone: a prompt in its hands then did not end it
    Row(only=Only.UNREACHABLE, verdict=Verdict.AWAY),
    Row(verdict=Verdict.UNCLEAR),
)


def judge(seen: CallEnd, holds: Callable[[Only], bool]) -> Verdict:
    """Find what follows from `seen`; `holds` finds out what the table wants to know besides."""
    return next(row.verdict for row in TABLE if _matches(row, seen) and (row.only is None or holds(row.only)))


def cause(seen: CallEnd) -> str:
    """Say in words for whoever asked why there is no answer."""
    words = one_line(seen.words)
    match seen.how:
        case EndKind.NOT_CONNECTED:
            return clipped(f"the model server could not be reached: {words}")
        case EndKind.REDIRECTED | EndKind.REJECTED | EndKind.ERROR_LINE if words:
            return words
        case EndKind.UNFINISHED:
            return clipped(f"the model's answer ended before it was done{words and f': {words}'}")
        case EndKind.DONE:
            return clipped(f"the model server ended the answer with {words!r}" if words else NO_REASON)
        case _:
            return outline(seen)


def outline(seen: CallEnd) -> str:  # noqa: PLR0911 (a table in the shape of a match)
    """Say it for everybody to read: without the server's words, in which there may be somebody's prompt."""
    match seen.how:
        case EndKind.REDIRECTED | EndKind.GIBBERISH if seen.words:
            return one_line(seen.words)  # ours
        case EndKind.BROKEN:
            return "the connection to the model server broke off"
        case EndKind.REDIRECTED | EndKind.REJECTED:
            return f"the model server {answered(seen.status)}"
        case EndKind.ERROR_LINE:
            return f"the model server reported an error{'' if seen.words else ' without a word'}"
        case EndKind.GIBBERISH:
            return "the model server sent something that is not an answer"
        case EndKind.DONE:
            return "the model server ended an answer for no reason that is known"
        case EndKind.NOT_CONNECTED | EndKind.UNFINISHED:
            return cause(seen)
        case EndKind.NO_FIRST_BYTE | EndKind.STALLED | EndKind.OUT_OF_TIME | EndKind.UNANSWERED | EndKind.TOO_MUCH:
            return one_line(seen.words)


def too_long(seen: CallEnd) -> str:
    """Say that a prompt is too long, with both counts where Ollama gives them (since 0.30)."""
    counts = re.search(r"\((\d+) tokens\).*\((\d+) tokens\)", seen.words)
    if not counts:
        return "The prompt is longer than the model's context."
    return f"The prompt has {counts[1]} tokens, the model's context holds {counts[2]}."


def _matches(row: Row, seen: CallEnd) -> bool:
    return (
        row.how in (None, seen.how)
        and (not row.status or seen.status in row.status)
        and row.in_json in (None, seen.in_json)
        and re.search(row.words, seen.words) is not None
    )
