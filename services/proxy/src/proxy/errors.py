"""Refusals: what the proxy does not do, and how that and the queue's errors become HTTP."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from promptqueue.errors import PromptQueueError
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException, MethodNotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

STORAGE_RETRY_AFTER = 5  # seconds
STREAMS_RETRY_AFTER = 5  # seconds

log = logging.getLogger(__name__)


class Refused(Exception):
    """The request was refused."""

    status = 400
    code = "invalid_request"

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


SENTENCES = {
    "not_found": (404, "No prompt has this id. It may have been deleted, or pruned after the retention time."),
    "deleted": (410, "The prompt that this Idempotency-Key was used for was deleted. Use a new key to submit it again."),
    "idempotency_conflict": (
        409,
        "This Idempotency-Key was used with another body. Send the same body, or use a new key.",
    ),
    "queue_full": (429, "The queue is full, so the prompt was not accepted. Try again after Retry-After seconds."),
    "storage_unavailable": (
        503,
        f"The queue's database cannot be used right now, and nothing was changed. Try again in {STORAGE_RETRY_AFTER} seconds.",
    ),
}
"""What the queue's errors mean to a client: their own sentences may name files of this machine."""


def register(app: Flask, *, seconds_until_a_place_is_free: Callable[[], int]) -> None:
    """Let every error of `app` be answered in the one envelope."""

    def refused(error: Refused) -> Response:
        retry_after = STREAMS_RETRY_AFTER if isinstance(error, TooManyStreams) else None
        return envelope(error.status, error.code, str(error), param=error.param, retry_after=retry_after)

    def refused_by_queue(error: PromptQueueError) -> Response:
        if error.code not in SENTENCES:
            return failed(error)
        status, sentence = SENTENCES[error.code]
        match error.code:
            case "queue_full":
                return envelope(status, error.code, sentence, retry_after=seconds_until_a_place_is_free())
            case "storage_unavailable":
                log.warning("storage unavailable reason=%s", error)
                return envelope(status, error.code, sentence, retry_after=STORAGE_RETRY_AFTER)
            case "idempotency_conflict" | "deleted":
                return envelope(status, error.code, sentence, param="Idempotency-Key")
            case _:
                return envelope(status, error.code, sentence)

    def refused_by_flask(error: HTTPException) -> Response:
        match error:
            case MethodNotAllowed(valid_methods=methods):
                allowed = ", ".join(sorted(methods or ()))
                message = f"This address does not take {request.method}. Use one of: {allowed}."
                answer = envelope(405, "method_not_allowed", message)
                answer.headers["Allow"] = allowed
                return answer
            case HTTPException(code=404):
                return envelope(404, "not_found", "There is nothing at this address. /openapi.json lists what there is.")
            case HTTPException(code=int() as status) if 400 <= status < 500:
                return envelope(status, "invalid_request", error.description or "The request was not understood.")
            case _:
                return failed(error)

    def failed(error: Exception) -> Response:
        log.error("request failed method=%s route=%s", request.method, request.url_rule, exc_info=error)
        return envelope(500, "internal_error", "The proxy made a mistake; its log says more. Try again.")

    app.register_error_handler(Refused, refused)
    app.register_error_handler(PromptQueueError, refused_by_queue)
    app.register_error_handler(HTTPException, refused_by_flask)
    app.register_error_handler(Exception, failed)


def envelope(
    status: int, code: str, message: str, *, param: str | None = None, retry_after: int | None = None
) -> Response:
    """Tell an error in the shape that all errors have, which is OpenAI's."""
    if status == 429:  # noqa: PLR2004 (an HTTP status)
        kind = "rate_limit_error"
    else:
        kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    body = {"error": {"code": code, "message": message, "type": kind, "param": param}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(to_json(body), status, headers, "application/json")
