"""What goes wrong, in the words of this protocol."""

import re
import uuid
from typing import Any

from flask import Response

from proxy.calls.bodies import json_response
from proxy.calls.failure import Failure, Kind
from proxy.calls.names import hex_of

MEANINGS: dict[Kind, tuple[int, str]] = {
    Kind.INVALID: (400, "invalid_request_error"),
    Kind.REFUSED: (400, "invalid_request_error"),
    Kind.TOO_LONG: (400, "invalid_request_error"),
    Kind.CONFLICT: (400, "invalid_request_error"),  # a 409 would be sent again by the official clients
    Kind.MISDIRECTED: (421, "invalid_request_error"),
    Kind.UNAUTHORIZED: (401, "authentication_error"),
    Kind.FORBIDDEN: (403, "permission_error"),
    Kind.UNKNOWN_MODEL: (404, "not_found_error"),
    Kind.NOT_FOUND: (404, "not_found_error"),
    Kind.WRONG_METHOD: (405, "invalid_request_error"),
    Kind.GONE: (410, "api_error"),
    Kind.TOO_LARGE: (413, "request_too_large"),
    Kind.FULL: (429, "rate_limit_error"),
    Kind.QUOTA: (429, "rate_limit_error"),
    Kind.FAILED: (500, "api_error"),
    Kind.MISTAKE: (500, "api_error"),
    Kind.UNSUPPORTED: (501, "api_error"),
    Kind.UNAVAILABLE: (503, "overloaded_error"),
}
"""The status of HTTP and the type of each kind of failure."""

ID = "request-id"
"""The header by which the official clients name a request to their users."""

COUNTS = re.compile(r"\b(\d+) tokens.*?(\d+)")


def write(failure: Failure) -> Response:
    """Answer with an error."""
    content = body(failure)
    return json_response(content, MEANINGS[failure.kind][0], {ID: content["request_id"]})


def name(answer: Response) -> Response:
    """Give an answer the id by which the official clients show it: its prompt's, or one like no other."""
    answer.headers.setdefault(ID, request_id(answer.headers.get("X-Prompt-Id")))
    return answer


def body(failure: Failure) -> dict[str, Any]:
    """Give an error as JSON."""
    error = {"type": MEANINGS[failure.kind][1], "message": _message(failure)}
    return {"type": "error", "error": error, "request_id": request_id(failure.prompt_id)}


def request_id(prompt_id: str | None) -> str:
    """Give an id of a request; that of no prompt is like no other."""
    return f"req_{hex_of(prompt_id) if prompt_id else uuid.uuid4().hex}"


def _message(failure: Failure) -> str:
    """Give the sentence; agents know a prompt that is too long by how it begins, and read the counts."""
    if failure.kind is not Kind.TOO_LONG:
        return failure.message
    counts = COUNTS.search(failure.message)
    return f"prompt is too long: {f'{counts[1]} tokens > {counts[2]} maximum' if counts else failure.message}"
