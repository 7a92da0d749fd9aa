"""Whose fault the end of a call is: the decision table, first matching row wins.

The texts are Ollama's own, of versions 0.24 to 0.34: nothing else distinguishes faults of the prompt, of the model's
files and of its runner. What no client can cause is never the prompt's fault.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from worker.ollama.call_end import CallEnd, EndKind


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


class Condition(StrEnum):
    """What must also hold for a row to match; looked up only when it decides."""

    UNREACHABLE = "unreachable"  # /api/version fails too
    UNLISTED = "unlisted"  # /api/tags does not have the model
    SHAPED = "shaped"  # the prompt came with a format or with tools
    TEMPLATED = "templated"  # the prompt came with a template of its own
    OTHERS_ANSWERED = "others answered"  # within the last minute, here; and no second server could have this one


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the table."""

    kind: EndKind | None = None  # None: any
    status: tuple[int, ...] = ()  # none: any
    words: str = ""  # a regular expression that is searched for
    in_json: bool | None = None  # None: whether or not
    when: Condition | None = None
    verdict: Verdict


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
ABOUT_TEMPLATE = r"^template: "  # and then, perhaps, words of the template's own, which may be anything
UNWRITABLE_NUMBER = r"json: unsupported value"

TABLE = (
    Row(kind=EndKind.DONE, words=r"^(stop|length)$", verdict=Verdict.SUCCESS),
    # ---- time's
    Row(kind=EndKind.OUT_OF_TIME, verdict=Verdict.TIMED_OUT),
    # ---- the prompt's, though it might sound like the server's
    Row(
        kind=EndKind.REJECTED,
        status=(400, 500),
        words=ABOUT_TEMPLATE,
        in_json=True,
        when=Condition.TEMPLATED,
        verdict=Verdict.REFUSED,
    ),
    # ---- the server's
    Row(kind=EndKind.NOT_CONNECTED, verdict=Verdict.AWAY),
    Row(kind=EndKind.UNANSWERED, verdict=Verdict.AWAY),
    Row(kind=EndKind.REDIRECTED, verdict=Verdict.AWAY),
    Row(kind=EndKind.REJECTED, status=TURNED_AWAY, verdict=Verdict.TROUBLED),
    Row(
        kind=EndKind.REJECTED,
        status=(400, 404),
        words=NO_SUCH_MODEL,
        when=Condition.UNLISTED,
        verdict=Verdict.MISSING,
    ),
    Row(kind=EndKind.REJECTED, status=(400, 404), words=NO_SUCH_MODEL, verdict=Verdict.STORE_BROKEN),
    Row(kind=EndKind.REJECTED, status=(404,), verdict=Verdict.TROUBLED),
    Row(kind=EndKind.REJECTED, status=(400,), words=r"does not support (generate|chat)", verdict=Verdict.STORE_BROKEN),
    Row(kind=EndKind.REJECTED, status=(500,), words=BROKEN_FILES, verdict=Verdict.STORE_BROKEN),
    Row(kind=EndKind.REJECTED, status=(500,), words=CANNOT_LOAD, verdict=Verdict.TROUBLED),
    Row(kind=EndKind.REJECTED, status=(500,), words=r"template", verdict=Verdict.TROUBLED),
    # ---- the prompt's
    Row(kind=EndKind.TOO_MUCH, verdict=Verdict.TOO_MUCH),
    Row(kind=EndKind.REJECTED, status=(400,), words=TOO_MANY_TOKENS, verdict=Verdict.TOO_LONG),
    Row(kind=EndKind.REJECTED, status=(400, 500), words=ABOUT_OPTIONS, verdict=Verdict.REFUSED),
    Row(kind=EndKind.REJECTED, status=(400, 500), words=ABOUT_SHAPE, when=Condition.SHAPED, verdict=Verdict.REFUSED),
    Row(kind=EndKind.REJECTED, status=(400, 500), words=ABOUT_SHAPE, verdict=Verdict.UNCLEAR),
    Row(kind=EndKind.REJECTED, status=(400, 500), words=UNWRITABLE_NUMBER, verdict=Verdict.REFUSED),
    Row(kind=EndKind.REJECTED, status=(400,), in_json=True, verdict=Verdict.REFUSED),
    Row(kind=EndKind.REJECTED, status=DISLIKED, when=Condition.OTHERS_ANSWERED, verdict=Verdict.REFUSED),
    # ---- nobody knows, unless the server is gone: a prompt in its hands then did not end it
    Row(when=Condition.UNREACHABLE, verdict=Verdict.AWAY),
    Row(verdict=Verdict.UNCLEAR),
)


def judge(end: CallEnd, holds: Callable[[Condition], bool]) -> Verdict:
    """Decide what follows from `end`; `holds` looks up whether a condition holds."""
    return next(row.verdict for row in TABLE if _matches(row, end) and (row.when is None or holds(row.when)))


def too_long(end: CallEnd) -> str:
    """Say that a prompt is too long, with both counts where Ollama gives them (since 0.30)."""
    counts = re.search(r"\((\d+) tokens\).*\((\d+) tokens\)", end.words)
    if not counts:
        return "The prompt is longer than the model's context."
    return f"The prompt has {counts[1]} tokens, the model's context holds {counts[2]}."


def _matches(row: Row, end: CallEnd) -> bool:
    return (
        row.kind in (None, end.kind)
        and (not row.status or end.status in row.status)
        and row.in_json in (None, end.in_json)
        and re.search(row.words, end.words) is not None
    )
