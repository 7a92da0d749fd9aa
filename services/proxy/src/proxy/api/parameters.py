"""What a request says beside its body: an id in its path, its query, its headers."""

import re

from flask import request
from promptqueue.errors import PromptNotFound
from promptqueue.history import MOST_MINUTES
from promptqueue.prompt import Status

from proxy.access.asker import current
from proxy.asking import idempotency
from proxy.errors import InvalidRequest
from proxy.live.held_requests import Held
from proxy.serving.connection import Connection

LONGEST_WAIT = 60  # seconds

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


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
    text = request.args.get("history")
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= MOST_MINUTES:
        message = f"history is a whole number of minutes from 1 to {MOST_MINUTES}."
        raise InvalidRequest(message, param="history")
    return int(text)


def known_status() -> Status | None:
    """Give the status that the client knows, which `unless` names; None if it names none. Raises InvalidRequest."""
    text = request.args.get("unless")
    if text is not None and text not in list(Status):
        message = f"unless is one of {', '.join(Status)}."
        raise InvalidRequest(message, param="unless")
    return None if text is None else Status(text)
