"""/metrics at everybody's door, for whoever has a key that is for it."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from proxy.errors import NotFound

Write = Callable[[str], tuple[bytes, str]]
"""Writes all metrics of this moment as a header Accept prefers them; and their content type."""


def blueprint(write: Write | None) -> Blueprint:
    """Serve /metrics, as far as anything is counted."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        if write is None:
            message = "Metrics are off. Set METRICS_PORT, which opens a port of their own beside this address."
            raise NotFound(message)
        body, content_type = write(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)

    return routes
