"""What goes wrong with a call, in neutral words: each face writes its own error of it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from flask import Blueprint, Response, request
from promptqueue.errors import (
    IdempotencyConflict,
    NotRetryable,
    PromptDeleted,
    PromptNotFound,
    PromptQueueError,
    QueueFull,
    QuotaExceeded,
)
from promptqueue.prompt import ErrorCode, Progress, Prompt
from werkzeug.exceptions import HTTPException, MethodNotAllowed, MisdirectedRequest

from proxy import errors
from proxy.calls.failure import Failure, Kind
from proxy.meter import REFUSAL
from proxy.parts import Parts

LONGEST_RETRY_AFTER = 59  # seconds; some clients sleep however long they are told, others give up above a minute

LONGEST_MESSAGE = 1_000  # characters of what a client hears; a message may repeat what it has sent

ENDED: dict[ErrorCode, Kind] = {
    ErrorCode.MODEL_REFUSED: Kind.REFUSED,
    ErrorCode.PROMPT_TOO_LONG: Kind.TOO_LONG,
    ErrorCode.TIMED_OUT: Kind.FAILED,
    ErrorCode.ATTEMPTS_EXHAUSTED: Kind.FAILED,
    ErrorCode.CANCELLED: Kind.GONE,
    ErrorCode.EXPIRED: Kind.GONE,
}
"""What a prompt that ended without an answer means to whoever waited for it."""

REFUSED: dict[type[errors.Refused], Kind] = {
    errors.NotFound: Kind.NOT_FOUND,
    errors.TooLarge: Kind.TOO_LARGE,
    errors.UnsupportedModel: Kind.UNKNOWN_MODEL,
    errors.TooManyStreams: Kind.UNAVAILABLE,
    errors.Busy: Kind.UNAVAILABLE,
    errors.Unauthorized: Kind.UNAUTHORIZED,
    errors.Forbidden: Kind.FORBIDDEN,
}
"""What is not only invalid."""

OF_THE_QUEUE: dict[type[PromptQueueError], Kind] = {
    PromptNotFound: Kind.NOT_FOUND,
    PromptDeleted: Kind.GONE,
    IdempotencyConflict: Kind.CONFLICT,
    NotRetryable: Kind.CONFLICT,
    QueueFull: Kind.FULL,
    QuotaExceeded: Kind.QUOTA,
}
"""What is not only unavailable."""

MISTAKE = Failure(
    kind=Kind.MISTAKE,
    code="internal_error",
    message="The proxy made a mistake, and its log says more. Try again.",
)

log = logging.getLogger(__name__)


class CallFailed(Exception):
    """A call gets no answer; of this prompt, if it was accepted."""

    def __init__(self, failure: Failure, *, prompt_id: str | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.prompt_id = prompt_id


class InvalidAsked(CallFailed):
    """What was asked cannot be."""

    def __init__(
        self, message: str, *, param: str | None = None, kind: Kind = Kind.INVALID, code: str = "invalid_request"
    ) -> None:
        """Say what is wrong, which field is meant if it is one, and what to do."""
        said = message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"
        super().__init__(Failure(kind=kind, code=code, message=said, param=param))


def register(routes: Blueprint, parts: Parts, write: Callable[[Failure], Response]) -> None:
    """Answer every error below this blueprint with what `write` makes of it.

    What holds for all faces is added: X-Prompt-Id of a prompt that was accepted, Retry-After, `Allow`, and whether
    trying again is worth it (`x-should-retry`, which the official clients obey).
    """

    def answer(failure: Failure, prompt_id: str | None = None) -> Response:
        request.environ[REFUSAL] = failure.code
        response = write(replace(failure, prompt_id=prompt_id) if prompt_id else failure)
        if prompt_id:
            response.headers["X-Prompt-Id"] = prompt_id
        if failure.retry_after is not None:
            response.headers["Retry-After"] = str(min(failure.retry_after, LONGEST_RETRY_AFTER))
        if failure.allowed:
            response.headers["Allow"] = ", ".join(failure.allowed)
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.GONE:
            response.headers["x-should-retry"] = "true" if status == HTTPStatus.SERVICE_UNAVAILABLE else "false"
        return response

    def of_a_bug(error: Exception) -> Response:
        log.error("request failed method=%s route=%s", request.method, request.url_rule, exc_info=error)
        return answer(MISTAKE)

    def of_the_queue(error: PromptQueueError) -> Response:
        failure = of_queue(error, until_a_place_is_free=parts.estimates.until_a_place_is_free)
        return answer(failure) if failure else of_a_bug(error)

    def of_flask(error: HTTPException) -> Response:
        failure = of_http(error)
        return answer(failure) if failure else of_a_bug(error)

    routes.register_error_handler(CallFailed, lambda error: answer(error.failure, error.prompt_id))
    routes.register_error_handler(errors.Refused, lambda error: answer(of_refused(error)))
    routes.register_error_handler(PromptQueueError, of_the_queue)
    routes.register_error_handler(HTTPException, of_flask)
    routes.register_error_handler(Exception, of_a_bug)


def of_prompt(found: Progress | Prompt) -> Failure | None:
    """Say why a completed prompt has no answer; None where it has one, or is not completed."""
    prompt = found.prompt if isinstance(found, Progress) else found
    if prompt.error is None:
        return None
    return Failure(kind=ENDED[prompt.error.code], code=prompt.error.code, message=prompt.error.message)


def of_refused(error: errors.Refused) -> Failure:
    """Say what the proxy refused."""
    kind = REFUSED.get(type(error), Kind.INVALID)
    return Failure(kind=kind, code=error.code, message=str(error), param=error.param, retry_after=error.retry_after)


def of_queue(error: PromptQueueError, *, until_a_place_is_free: Callable[[], int]) -> Failure | None:
    """Say what the queue refused; None for what no request can cause unless the proxy has a bug."""
    meaning = errors.meaning(error, until_a_place_is_free=until_a_place_is_free)
    if meaning is None:
        return None
    return Failure(
        kind=next((OF_THE_QUEUE[each] for each in type(error).__mro__ if each in OF_THE_QUEUE), Kind.UNAVAILABLE),
        code=error.code,
        message=meaning.sentence or str(error),
        param=meaning.param,
        retry_after=meaning.retry_after,
    )


def of_http(error: HTTPException) -> Failure | None:
    """Say what Flask refused; None for what only a bug can cause."""
    match error:
        case MethodNotAllowed(valid_methods=methods):
            allowed = tuple(sorted(methods or ()))
            message = f"This address does not take {request.method}. Use one of: {', '.join(allowed)}."
            return Failure(kind=Kind.WRONG_METHOD, code="method_not_allowed", message=message, allowed=allowed)
        case HTTPException(code=404):
            message = "There is nothing at this address."
            return Failure(kind=Kind.NOT_FOUND, code="not_found", message=message)
        case MisdirectedRequest():
            code = "misdirected_request"
            return Failure(kind=Kind.MISDIRECTED, code=code, message=errors.MISDIRECTED, param="Host")
        case HTTPException(code=int() as status) if status in range(400, 500):
            message = error.description or "The request was not understood."
            return Failure(kind=Kind.INVALID, code="invalid_request", message=message)
        case _:
            return None
