"""What a request says beside its body: an id in its path, its query, its headers."""

import re
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request
from promptqueue.errors import PromptNotFound
from promptqueue.history import MOST_MINUTES
from promptqueue.prompt import Status

from proxy.access.asker import current
from proxy.asking import idempotency
from proxy.errors import InvalidRequest
from proxy.live.held_requests import Held
from proxy.serving.connection import Connection

Word = TypeVar("Word", bound=StrEnum)

LONGEST_WAIT = 60  # seconds

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CURSOR = re.compile(r"[0-9a-f]{1,15}", re.ASCII)
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
MOMENT = re.compile(
    r"(?P<year>[0-9]{4})-(?P<day>[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]+)?(?P<zone>[Zz]|[+ -][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def known_id(text: str) -> str:
    """Give an id as it is stored. Raises PromptNotFound for a text that cannot be one."""
    prompt_id = text.lower()
    if not UUID.fullmatch(prompt_id):
        raise PromptNotFound
    return prompt_id


def idempotency_key() -> str | None:
    """Give the Idempotency-Key; None without one. Raises InvalidRequest."""
    return idempotency.read(request.environ.get("HTTP_IDEMPOTENCY_KEY"))


def held() -> Held:
    """Say for how long the answer may be held, 0 s unless `wait` says so. Raises InvalidRequest."""
    text = request.args.get("wait", "0")
    if not NUMBER.fullmatch(text) or not 0 <= float(text) <= LONGEST_WAIT:
        message = f"wait is a number of seconds from 0 to {LONGEST_WAIT}."
        raise InvalidRequest(message, param="wait")
    return Held(float(text), current(), Connection(request.environ))


def minutes() -> int | None:
    """Say how many of the last minutes are wanted; None without `history`. Raises InvalidRequest."""
    return whole_number("history", "minutes", MOST_MINUTES)


def known_status() -> Status | None:
    """Give the status that the client knows, which `unless` names; None if it names none. Raises InvalidRequest."""
    return one_of(Status, "unless")


def one_of(words: type[Word], name: str) -> Word | None:
    """Give the one of these words that a parameter names; None if it names none. Raises InvalidRequest."""
    text = request.args.get(name)
    if text is not None and text not in list(words):
        message = f"{name} is one of {', '.join(words)}."
        raise InvalidRequest(message, param=name)
    return None if text is None else words(text)


def whole_number(name: str, what: str, most: int) -> int | None:
    """Give the number that a parameter says, from 1 to `most`; None without it. Raises InvalidRequest."""
    text = request.args.get(name)
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        message = f"{name} is a whole number of {what} from 1 to {most}."
        raise InvalidRequest(message, param=name)
    return int(text)


def cursor() -> int | None:
    """Say before which number a page begins; None for the first one. Raises InvalidRequest."""
    text = request.args.get("before")
    if text is not None and not CURSOR.fullmatch(text):
        message = "before is what `next` of the page before says."
        raise InvalidRequest(message, param="before")
    return None if text is None else int(text, 16)


def cursor_text(number: int) -> str:
    """Write the cursor of a page."""
    return f"{number:x}"


def moment(name: str) -> float | None:
    """Give a time of the wall clock, in seconds since the epoch; None without it. Raises InvalidRequest."""
    text = request.args.get(name)
    if text is None:
        return None
    found = MOMENT.fullmatch(text)
    try:
        if not found:
            raise ValueError  # noqa: TRY301 (as for the 30th of February)
        return datetime.fromisoformat(_in_full(found)).timestamp()
    except ValueError:
        message = f"{name} is a time such as 2026-01-31T08:00:00Z."
        raise InvalidRequest(message, param=name) from None


def _in_full(found: re.Match[str]) -> str:
    """Write a time as Python reads it: RFC 3339 also knows a year 0 and lower case, and in an address + is a space."""
    year = max("0001", found["year"])
    zone = "+00:00" if found["zone"] in ("Z", "z") else found["zone"].replace(" ", "+")
    return f"{year}-{found['day']}T{found['time']}{(found['fraction'] or '')[:7]}{zone}"
