"""Answers in JSON, and the one shape of every error of this API, which is OpenAI's."""

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from promptqueue.errors import PromptQueueError
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException, MethodNotAllowed, MisdirectedRequest

from proxy import errors
from proxy.api.bodies import ErrorBody, Kind
from proxy.meter import REFUSAL
from proxy.parts import Parts
from proxy.serving.headers import JSON

KINDS: dict[int, Kind] = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}

log = logging.getLogger(__name__)


def register(app: Flask, parts: Parts) -> None:
    """Answer every error of `app` in this shape.

    Flask asks the handlers of a blueprint first, so a protocol with another shape registers its own there.
    """

    def of_the_queue(error: PromptQueueError) -> Response:
        meaning = errors.meaning(error, until_a_place_is_free=parts.estimates.until_a_place_is_free)
        if meaning is None:
            return _mistake(error)
        sentence = meaning.sentence or str(error)
        return envelope(meaning.status, error.code, sentence, param=meaning.param, retry_after=meaning.retry_after)

    app.register_error_handler(errors.Refused, _refused)
    app.register_error_handler(PromptQueueError, of_the_queue)
    app.register_error_handler(HTTPException, lambda error: _of_flask(error, parts.config.base_path))
    app.register_error_handler(Exception, _mistake)


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write `body` as JSON."""
    return Response(to_json(body), status, headers, content_type=JSON)


def envelope(
    status: int, code: str, message: str, *, param: str | None = None, retry_after: int | None = None
) -> Response:
    """Write an error."""
    request.environ[REFUSAL] = code
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return answer({"error": error_body(status, code, message, param=param)}, status, headers)


def error_body(status: int, code: str, message: str, *, param: str | None = None) -> ErrorBody:
    """Say what was refused, in OpenAI's words."""
    return {"code": code, "message": message, "type": KINDS.get(status, "invalid_request_error"), "param": param}


def _refused(error: errors.Refused) -> Response:
    return envelope(error.status, error.code, str(error), param=error.param, retry_after=error.retry_after)


def _of_flask(error: HTTPException, base_path: str) -> Response:
    match error:
        case MethodNotAllowed(valid_methods=methods):
            allowed = ", ".join(sorted(methods or ()))
            message = f"This address does not take {request.method}. Use one of: {allowed}."
            refusal = envelope(405, "method_not_allowed", message)
            refusal.headers["Allow"] = allowed
            return refusal
        case HTTPException(code=404):
            message = f"There is nothing at this address. {base_path}/openapi.json lists what there is."
            return envelope(404, "not_found", message)
        case MisdirectedRequest():
            return envelope(421, "misdirected_request", errors.MISDIRECTED, param="Host")
        case HTTPException(code=int() as status) if status in range(400, 500):
            return envelope(status, "invalid_request", error.description or "The request was not understood.")
        case _:
            return _mistake(error)


def _mistake(error: Exception) -> Response:
    log.error("request failed method=%s route=%s", request.method, request.url_rule, exc_info=error)
    return envelope(500, "internal_error", "The proxy made a mistake, and its log says more. Try again.")
