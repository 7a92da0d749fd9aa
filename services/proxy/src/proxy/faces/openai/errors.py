"""Failures in OpenAI's words: one table, the body and the headers that go with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.calls.failure import Failure, Kind

LONGEST_WAIT = (
    59  # seconds: the AI SDK obeys a Retry-After below 60, and others would sleep for as long as they are told
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of failure is for OpenAI's clients.

    `code` takes the place of the failure's own. `retries` tells their SDKs whether to send the request again, and they
    obey; None leaves it to their rules.
    """

    status: int
    type: str
    code: str | None = None
    retries: bool | None = None


MEANINGS: Mapping[Kind, Meaning] = {
    Kind.INVALID: Meaning(400, "invalid_request_error"),
    Kind.REFUSED: Meaning(400, "invalid_request_error"),
    Kind.TOO_LONG: Meaning(400, "invalid_request_error", code="context_length_exceeded"),
    Kind.TOO_LARGE: Meaning(413, "invalid_request_error"),
    Kind.UNKNOWN_MODEL: Meaning(404, "not_found_error", code="model_not_found"),
    Kind.NOT_FOUND: Meaning(404, "not_found_error"),
    Kind.WRONG_METHOD: Meaning(405, "invalid_request_error"),
    Kind.FORBIDDEN: Meaning(403, "invalid_request_error"),
    Kind.CONFLICT: Meaning(400, "invalid_request_error"),  # the SDKs send again what is answered with 409
    Kind.GONE: Meaning(410, "server_error", retries=False),
    Kind.FULL: Meaning(429, "rate_limit_error"),
    Kind.UNAVAILABLE: Meaning(503, "server_error", retries=True),
    Kind.UNSUPPORTED: Meaning(501, "api_error", retries=False),
    Kind.FAILED: Meaning(500, "server_error", retries=False),
    Kind.MISTAKE: Meaning(500, "server_error", retries=False),
}


def status_of(failure: Failure) -> int:
    """Give the status of the answer that tells of a failure."""
    return MEANINGS[failure.kind].status


def code_of(failure: Failure) -> str:
    """Give the code that OpenAI's clients know a failure by."""
    return MEANINGS[failure.kind].code or failure.code


def body_of(failure: Failure) -> dict[str, Any]:
    """Say what went wrong, as the body of an answer or as the last event of a stream."""
    kind = MEANINGS[failure.kind].type
    return {"error": {"message": failure.message, "type": kind, "param": failure.param, "code": code_of(failure)}}


def headers_of(failure: Failure) -> dict[str, str]:
    """Give the headers that tell a client when to come again, if at all."""
    retries = MEANINGS[failure.kind].retries
    headers = {
        "Retry-After": None if failure.retry_after is None else str(min(failure.retry_after, LONGEST_WAIT)),
        "x-should-retry": None if retries is None else str(retries).lower(),
        "Allow": ", ".join(failure.allowed) or None,
    }
    return {name: value for name, value in headers.items() if value is not None}
