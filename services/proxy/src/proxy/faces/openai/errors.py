"""Failures in OpenAI's words: one table, the body that goes with it, and the name that every answer has."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from proxy.calls.bodies import json_response
from proxy.calls.failure import Failure, Kind
from proxy.calls.names import hex_of


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of failure is for OpenAI's clients; `code` takes the place of the failure's own."""

    status: int
    type: str
    code: str | None = None


MEANINGS: Mapping[Kind, Meaning] = {
    Kind.INVALID: Meaning(400, "invalid_request_error"),
    Kind.REFUSED: Meaning(400, "invalid_request_error"),
    Kind.TOO_LONG: Meaning(400, "invalid_request_error", code="context_length_exceeded"),
    Kind.TOO_LARGE: Meaning(413, "invalid_request_error"),
    Kind.UNKNOWN_MODEL: Meaning(404, "not_found_error", code="model_not_found"),
    Kind.NOT_FOUND: Meaning(404, "not_found_error"),
    Kind.WRONG_METHOD: Meaning(405, "invalid_request_error"),
    Kind.MISDIRECTED: Meaning(421, "invalid_request_error"),
    Kind.UNAUTHORIZED: Meaning(401, "invalid_request_error", code="invalid_api_key"),
    Kind.FORBIDDEN: Meaning(403, "invalid_request_error"),
    Kind.CONFLICT: Meaning(400, "invalid_request_error"),  # the SDKs send again what is answered with 409
    Kind.GONE: Meaning(410, "server_error"),
    Kind.FULL: Meaning(429, "rate_limit_error"),
    Kind.QUOTA: Meaning(429, "rate_limit_error"),
    Kind.UNAVAILABLE: Meaning(503, "server_error"),
    Kind.UNSUPPORTED: Meaning(501, "api_error"),
    Kind.FAILED: Meaning(500, "server_error"),
    Kind.MISTAKE: Meaning(500, "server_error"),
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


def write(failure: Failure) -> Response:
    """Answer with a failure."""
    return json_response(body_of(failure), status_of(failure))


def name(answer: Response) -> Response:
    """Give an answer the id by which OpenAI's clients show it: its prompt's, or one like no other."""
    prompt_id = answer.headers.get("X-Prompt-Id")
    answer.headers["x-request-id"] = f"req_{hex_of(prompt_id) if prompt_id else uuid.uuid4().hex}"
    return answer
