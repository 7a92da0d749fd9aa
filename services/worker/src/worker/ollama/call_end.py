"""How a call to Ollama ended, and how that is put into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.ollama.words import answered, clipped, one_line


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


NO_REASON = "the answer ended without a reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnd:
    """What was seen of a call's end.

    `words` are Ollama's own, where it sent an error as JSON, unchanged; else they are the worker's. What is not such an
    error may come from a stranger, and is not kept.
    """

    kind: EndKind
    status: int | None = None
    words: str = ""
    record: Mapping[str, Any] | None = None
    in_json: bool = False  # the words came the way Ollama sends errors, {"error": "words"}: no gateway's page does
    retry_after: float | None = None  # seconds, from a Retry-After header

    @property
    def for_log(self) -> str:
        """The end without Ollama's words, which may quote the prompt."""
        return f"{self.kind} {self.status}" if self.status else self.kind.value

    @property
    def cause(self) -> str:
        """Why there is no answer, in words for whoever asked."""
        words = one_line(self.words)
        match self.kind:
            case EndKind.NOT_CONNECTED:
                return clipped(f"the model server could not be reached: {words}")
            case EndKind.REDIRECTED | EndKind.REJECTED | EndKind.ERROR_LINE if words:
                return words
            case EndKind.UNFINISHED:
                return clipped(f"the model's answer ended before it was done{words and f': {words}'}")
            case EndKind.DONE:
                return clipped(f"the model server ended the answer with {words!r}" if words else NO_REASON)
            case _:
                return self.outline

    @property
    def outline(self) -> str:  # noqa: PLR0911 (a table in the shape of a match)
        """The cause in words that everybody may read: without the server's own, which may quote somebody's prompt."""
        match self.kind:
            case EndKind.REDIRECTED | EndKind.GIBBERISH if self.words:
                return one_line(self.words)  # the worker's
            case EndKind.BROKEN:
                return "the connection to the model server broke off"
            case EndKind.REDIRECTED | EndKind.REJECTED:
                return f"the model server {answered(self.status)}"
            case EndKind.ERROR_LINE:
                return f"the model server reported an error{'' if self.words else ' without a word'}"
            case EndKind.GIBBERISH:
                return "the model server sent something that is not an answer"
            case EndKind.DONE:
                return "the model server ended an answer for no reason that is known"
            case EndKind.NOT_CONNECTED | EndKind.UNFINISHED:
                return self.cause
            case EndKind.NO_FIRST_BYTE | EndKind.STALLED | EndKind.OUT_OF_TIME | EndKind.UNANSWERED | EndKind.TOO_MUCH:
                return one_line(self.words)

    @property
    def why_unwell(self) -> str:
        """Why the server cannot serve, for everybody to read, in its own words where it has some."""
        if self.kind is EndKind.REJECTED and self.status == 403 and not self.words:  # noqa: PLR2004 (HTTP's own number)
            return "the model server answers 403: it does not accept the host name that OLLAMA_URLS calls it by"
        return self.cause

    @property
    def has_answered(self) -> bool:
        """Whether somebody answered, if not well."""
        return self.kind in (EndKind.REJECTED, EndKind.GIBBERISH, EndKind.ERROR_LINE)


class OllamaFailed(Exception):
    """A call to Ollama came to a bad end: `end`."""

    def __init__(self, end: CallEnd) -> None:
        """Carry the end."""
        super().__init__(end.cause)
        self.end = end
