"""Refusals: what the proxy does not do, and how that and the queue's errors become HTTP."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from promptqueue.errors import (
    IdempotencyConflict,
    NotRetryable,
    PromptDeleted,
    PromptNotFound,
    PromptQueueError,
    QueueFull,
    StorageFull,
    StorageUnavailable,
)
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from proxy.serving.headers import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

STORAGE_RETRY_AFTER = 5  # seconds
FULL_RETRY_AFTER = 60  # seconds; the janitor erases each minute
STREAMS_RETRY_AFTER = 5  # seconds
BUSY_RETRY_AFTER = 1  # seconds

log = logging.getLogger(__name__)


class Refused(Exception):
    """The request was refused."""

    status = 400
    code = "invalid_request"
    retry_after: int | None = None
    """Seconds; None where the same request would be refused again."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        """Say what happened, to which field if to one, and what to do."""
        super().__init__(message)
        self.param = param


class InvalidRequest(Refused):
    """A field or header is not what it may be."""


class InvalidJSON(Refused):
    """The body is no JSON."""

    code = "invalid_json"


class NotFound(Refused):
    """There is nothing of this name."""

    status = 404
    code = "not_found"


class TooLarge(Refused):
    """The body is larger than bodies may be."""

    status = 413
    code = "too_large"


class UnsupportedModel(Refused):
    """Prompts are answered by another model."""

    status = 422
    code = "unsupported_model"


class TooManyStreams(Refused):
    """As many requests are held as may be."""

    status = 503
    code = "too_many_streams"
    retry_after = STREAMS_RETRY_AFTER


class Busy(Refused):
    """The bodies that are being read take all the memory that they may."""

    status = 503
    code = "busy"
    retry_after = BUSY_RETRY_AFTER


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an error of the queue means to a client.

    Its own sentence may name files of this machine, and stands where `sentence` is None alone.
    """

    status: int
    sentence: str | None
    param: str | None = None


MEANINGS = {
    PromptNotFound: Meaning(
        status=404, sentence="No prompt has this id. It may have been deleted, or pruned after the retention time."
    ),
    PromptDeleted: Meaning(
        status=410,
        sentence="The prompt of this Idempotency-Key was deleted. Use a new key to submit it again.",
        param="Idempotency-Key",
    ),
    IdempotencyConflict: Meaning(
        status=409,
        sentence="This Idempotency-Key was used with another body. Send the same body, or use a new key.",
        param="Idempotency-Key",
    ),
    QueueFull: Meaning(
        status=429, sentence="The queue is full, so the prompt was not accepted. Try again after Retry-After seconds."
    ),
    NotRetryable: Meaning(status=409, sentence=None),
    StorageUnavailable: Meaning(
        status=503,
        sentence="The queue's database cannot be used; nothing was changed. Try again after Retry-After seconds.",
    ),
    StorageFull: Meaning(
        status=503,
        sentence="What is stored, or the disk, leaves no room for another prompt. Delete prompts that are done "
        "with, or try again after Retry-After seconds.",
    ),
}


def register(app: Flask, *, until_a_place_is_free: Callable[[], int], specification: str) -> None:
    """Let every error of `app` be answered in the one envelope; `specification` is the path of the specification."""

    def of_the_queue(error: PromptQueueError) -> Response:
        meaning = next((MEANINGS[each] for each in type(error).__mro__ if each in MEANINGS), None)
        if meaning is None:
            return _mistake(error)
        retry_after = None
        match error:
            case QueueFull():
                retry_after = until_a_place_is_free()
            case StorageUnavailable():
                log.warning("storage unavailable reason=%s", error)
                retry_after = STORAGE_RETRY_AFTER
            case StorageFull():
                log.warning("storage full reason=%s", error)
                retry_after = FULL_RETRY_AFTER
        sentence = meaning.sentence or str(error)
        return envelope(meaning.status, error.code, sentence, param=meaning.param, retry_after=retry_after)

    app.register_error_handler(Refused, _refused)
    app.register_error_handler(PromptQueueError, of_the_queue)
    app.register_error_handler(HTTPException, lambda error: _of_flask(error, specification))
    app.register_error_handler(Exception, _mistake)


def envelope(
    status: int, code: str, message: str, *, param: str | None = None, retry_after: int | None = None
) -> Response:
    """Tell an error in the shape that all errors have, which is OpenAI's."""
    match status:
        case 429:
            kind = "rate_limit_error"
        case 500 | 503:
            kind = "server_error"
        case _:
            kind = "invalid_request_error"
    body = {"error": {"code": code, "message": message, "type": kind, "param": param}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(to_json(body), status, headers, content_type=JSON)


def _refused(error: Refused) -> Response:
    return envelope(error.status, error.code, str(error), param=error.param, retry_after=error.retry_after)


def _of_flask(error: HTTPException, specification: str) -> Response:
    match error:
        case MethodNotAllowed(valid_methods=methods):
            allowed = ", ".join(sorted(methods or ()))
            message = f"This address does not take {request.method}. Use one of: {allowed}."
            answer = envelope(405, "method_not_allowed", message)
            answer.headers["Allow"] = allowed
            return answer
        case HTTPException(code=404):
            return envelope(404, "not_found", f"There is nothing at this address. {specification} lists what there is.")
        case HTTPException(code=int() as status) if status in range(400, 500):
            return envelope(status, "invalid_request", error.description or "The request was not understood.")
        case _:
            return _mistake(error)


def _mistake(error: Exception) -> Response:
    log.error("request failed method=%s route=%s", request.method, request.url_rule, exc_info=error)
    return envelope(500, "internal_error", "The proxy made a mistake, and its log says more. Try again.")
