"""The ways in which the simulator can be told to misbehave, and the line of those that are due."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from .errors import NotUnderstood


class Kind(StrEnum):
    """What goes wrong. `after` counts tokens; where it matters, 0 means before any byte was sent."""

    REFUSE = "refuse"
    HANG_BEFORE_HEADERS = "hang_before_headers"
    HANG_BEFORE_FIRST_TOKEN = "hang_before_first_token"  # noqa: S105 (a token of text)
    HANG_BETWEEN_TOKENS = "hang_between_tokens"
    RESET = "reset"
    EOF = "eof"
    CUT = "cut"
    TRUNCATED = "truncated"
    ERROR_LINE = "error_line"
    DONE_FALSE = "done_false"
    STATUS = "status"
    HTML = "html"
    HUGE_LINE = "huge_line"
    BAD_UTF8 = "bad_utf8"
    SLOW_LOAD = "slow_load"
    CRASH = "crash"
    MODEL_GONE = "model_gone"
    BROKEN_STORE = "broken_store"

    REDIRECT = "redirect"
    PAGE = "page"
    ERROR_OBJECT = "error_object"
    LONG_ERROR = "long_error"
    FOREIGN = "foreign"
    BOMB = "bomb"
    ENDLESS_LINE = "endless_line"
    ENDLESS_TOKENS = "endless_tokens"
    ENDLESS_VALUES = "endless_values"
    ENDLESS_HEAD = "endless_head"
    ENDLESS_CHUNK_SIZE = "endless_chunk_size"
    CONTINUES = "continues"
    DRIP = "drip"
    DRIP_HEAD = "drip_head"
    NO_HTTP = "no_http"

    DEEP_RECORD = "deep_record"
    DEEP_TOOL_CALL = "deep_tool_call"
    NOT_A_NUMBER = "not_a_number"
    HUGE_NUMBER = "huge_number"
    MANY_FIELDS = "many_fields"
    OUR_FIELDS = "our_fields"
    LONE_SURROGATE = "lone_surrogate"


AT_THE_END = frozenset(
    (
        Kind.DEEP_RECORD,
        Kind.DEEP_TOOL_CALL,
        Kind.NOT_A_NUMBER,
        Kind.HUGE_NUMBER,
        Kind.MANY_FIELDS,
        Kind.OUR_FIELDS,
        Kind.LONE_SURROGATE,
    )
)
"""Those that only change the last record."""

IN_THE_ANSWER = frozenset(
    (
        Kind.HANG_BEFORE_FIRST_TOKEN,
        Kind.HANG_BETWEEN_TOKENS,
        Kind.CUT,
        Kind.TRUNCATED,
        Kind.ERROR_LINE,
        Kind.DONE_FALSE,
        Kind.HUGE_LINE,
        Kind.BAD_UTF8,
        Kind.CRASH,
        Kind.RESET,
        Kind.EOF,
    )
)
AT_ARRIVAL = frozenset(Kind) - AT_THE_END - IN_THE_ANSWER
ANYWHERE = AT_ARRIVAL - {Kind.REFUSE, Kind.SLOW_LOAD, Kind.MODEL_GONE, Kind.BROKEN_STORE}
"""Those that need no call that asks for an answer."""
TEXTS = {
    400: "the input length exceeds the context length",
    404: "model 'llama3.2' not found",
    500: "an error was encountered while running the model: unexpected EOF",
    503: "server busy, please try again.  maximum pending requests exceeded",
}
_TOKENS_BEFORE = {Kind.HANG_BETWEEN_TOKENS: 3, Kind.CUT: 3, Kind.TRUNCATED: 3, Kind.ERROR_LINE: 3}


@dataclass(kw_only=True)
class Fault:
    """One way, for the next `times` calls (null: until cleared) whose prompt contains `match`.

    With a `path` it is for the next requests of that path instead, whatever they are; `*` is every path.
    """

    kind: Kind
    times: int | None = 1
    match: str = ""
    path: str | None = None
    after: int | None = None
    """Tokens that are sent first."""
    seconds: float | None = None
    """How long it lasts; null: for ever, or until the client leaves."""
    status: int = 500
    text: str | None = None

    @property
    def tokens(self) -> int:
        """`after`, or what is usual for the kind."""
        return _TOKENS_BEFORE.get(self.kind, 0) if self.after is None else self.after

    @property
    def phrase(self) -> str:
        """The words of its status."""
        return HTTPStatus(self.status).phrase


def read_fault(given: Any) -> Fault:
    """Read what the control endpoint was sent.

    Raises:
        NotUnderstood: it is no fault.
    """
    if not isinstance(given, dict):
        raise NotUnderstood("fault", "is an object with a `kind`")
    unknown = set(given) - {each.name for each in fields(Fault)}
    if unknown:
        raise NotUnderstood("fault", f"has no {', '.join(sorted(unknown))}")
    if given.get("kind") not in list(Kind):
        raise NotUnderstood("kind", f"must be one of {', '.join(Kind)}")
    for field, fits in _FITS.items():
        if field in given and not fits(given[field]):
            raise NotUnderstood(field, f"{given[field]!r} makes no sense here")
    fault = Fault(**{**given, "kind": Kind(given["kind"])})
    if fault.kind is Kind.REFUSE and fault.seconds is None:
        raise NotUnderstood("seconds", "refuse needs them: nothing can end it while nobody is let in")
    if fault.path is not None and fault.kind not in ANYWHERE:
        raise NotUnderstood("path", f"{fault.kind} needs a call that asks for an answer")
    return fault


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


_FITS: dict[str, Callable[[Any], bool]] = {
    "times": lambda value: value != 0 and _is_count(value),
    "match": lambda value: isinstance(value, str),
    "path": lambda value: value is None or value == "*" or (isinstance(value, str) and value.startswith("/")),
    "after": _is_count,
    "seconds": lambda value: _is_count(value) or (isinstance(value, float) and value >= 0),
    "status": lambda value: value in set(HTTPStatus),
    "text": lambda value: value is None or isinstance(value, str),
}


class Faults:
    """Those that are due, first in first out among those that match."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Have it happen."""
        with self._lock:
            self._due.append(fault)

    def take(self, prompt: str) -> Fault | None:
        """What is to go wrong with the call that brings this prompt."""
        return self._take(lambda fault: fault.path is None and fault.match in prompt)

    def take_at(self, path: str) -> Fault | None:
        """What is to go wrong with a request of this path."""
        return self._take(lambda fault: fault.path in (path, "*"))

    def _take(self, strikes: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._due:
                if strikes(fault):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._due.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._due.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Those that are still due."""
        with self._lock:
            return [asdict(fault) for fault in self._due]
