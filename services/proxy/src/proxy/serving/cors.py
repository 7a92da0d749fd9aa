"""CORS: any page of any origin may call the proxy, with no credentials but those that it sends itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask_cors.core import get_cors_headers, get_cors_options
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from flask import Flask, Response

METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-On-Disconnect"]
EXPOSED = ["Location", "Retry-After", "X-Prompt-Id", "Date"]
PREFLIGHT_MAX_AGE = 7200  # seconds


def register(app: Flask) -> None:
    """Let every answer of `app` carry the headers."""
    options = get_cors_options(app, {"send_wildcard": True, "expose_headers": EXPOSED})
    # The same for every request but a preflight, and working them out each time would cost a submission 5 %.
    ordinary = dict(get_cors_headers(options, Headers(), "GET"))
    ordinary["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)  # which flask-cors would sort

    # All that may be sent, whatever a preflight asks about.
    everything = {
        "Access-Control-Allow-Headers": ", ".join(ALLOWED),
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE),
    }

    def allow(answer: Response) -> Response:
        answer.headers.update(ordinary)
        if request.method == "OPTIONS":
            answer.headers.update(everything)
        return answer

    app.after_request(allow)
