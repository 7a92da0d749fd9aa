"""CORS: any page of any origin may call the proxy, with no credentials but those that it sends itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask_cors.core import get_cors_headers, get_cors_options, set_cors_headers
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from flask import Flask, Response

METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-On-Disconnect"]
EXPOSED = ["Location", "Retry-After", "X-Prompt-Id", "Date"]
PREFLIGHT_MAX_AGE = 7200  # seconds


def register(app: Flask) -> None:
    """Let every answer of `app` carry the headers."""
    options = get_cors_options(
        app,
        {
            "send_wildcard": True,
            "methods": METHODS,
            "allow_headers": ALLOWED,
            "expose_headers": EXPOSED,
            "max_age": PREFLIGHT_MAX_AGE,
        },
    )
    # The same for every request but a preflight, and working them out each time would cost a submission 5 %.
    exposed = {"Access-Control-Expose-Headers": ", ".join(EXPOSED)}  # which flask-cors would sort
    ordinary = {**get_cors_headers(options, Headers(), "GET"), **exposed}

    # All that may be sent, whatever a preflight asks about.
    everything = {
        "Access-Control-Allow-Headers": ", ".join(ALLOWED),
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE),
    }

    def allow(answer: Response) -> Response:
        if request.method == "OPTIONS":
            set_cors_headers(answer, options)
            answer.headers.update({**exposed, **everything})
        else:
            for name, value in ordinary.items():
                answer.headers.add(name, value)
        return answer

    app.after_request(allow)
