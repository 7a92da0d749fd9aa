"""Failures in Ollama's shape: one sentence under `error`, or plain text where its router is the one that answers."""

from collections.abc import Mapping

from flask import Response

from proxy.calls.bodies import json_response
from proxy.calls.failure import Failure, Kind

STATUSES: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.REFUSED: 400,
    Kind.TOO_LONG: 400,
    Kind.TOO_LARGE: 413,
    Kind.UNKNOWN_MODEL: 404,
    Kind.MISDIRECTED: 421,
    Kind.UNAUTHORIZED: 401,
    Kind.FORBIDDEN: 403,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.FULL: 503,
    Kind.QUOTA: 429,
    Kind.UNAVAILABLE: 503,
    Kind.UNSUPPORTED: 501,
    Kind.FAILED: 500,
    Kind.MISTAKE: 500,
}
PLAIN: Mapping[Kind, tuple[int, str]] = {
    Kind.NOT_FOUND: (404, "404 page not found"),
    Kind.WRONG_METHOD: (405, "405 method not allowed"),
}
BUSY = "server busy, please try again.  maximum pending requests exceeded"
"""Ollama's own sentence for a full queue, by which its clients know it; the two blanks are its own too."""


def write(failure: Failure) -> Response:
    """Answer with a failure."""
    if failure.kind in PLAIN:
        status, text = PLAIN[failure.kind]
        allowed = ", ".join(method for method in failure.allowed if method != "OPTIONS")
        return Response(text, status, {"Allow": allowed} if allowed else None, content_type="text/plain")
    message = BUSY if failure.kind is Kind.FULL else failure.message
    return json_response({"error": message}, STATUSES[failure.kind])
