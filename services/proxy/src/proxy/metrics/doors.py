"""The doors of a proxy that is watched: METRICS_PORT, and everybody's, at which it counts what is answered."""

import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed, MisdirectedRequest, NotFound
from werkzeug.wrappers import Response

from proxy.access import hosts
from proxy.config import Config
from proxy.meter import REFUSAL, Meter
from proxy.metrics.routes import Write

PATH = "/metrics"


class Doors:
    """Answers at METRICS_PORT, where there is nothing but /metrics and no key is asked for; counts at the other door.

    Each process listens at both, and tells by the port of its own socket at which a request came.
    """

    def __init__(self, application: WSGIApplication, config: Config, meter: Meter, write: Write) -> None:
        self._application = application
        self._allowed_hosts = config.allowed_hosts
        self._write = write
        self._meter = meter
        self._port = str(config.metrics_port)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        if environ["SERVER_PORT"] == self._port:
            return self._scrape(environ)(environ, start_response)
        began = time.perf_counter()

        def start(status: str, *more: Any) -> Any:
            self._count(environ, int(status[:3]), time.perf_counter() - began)
            return start_response(status, *more)

        return self._application(environ, start)

    def _scrape(self, environ: WSGIEnvironment) -> Response | HTTPException:
        if not hosts.is_ours(environ.get("HTTP_HOST", ""), self._allowed_hosts):
            return MisdirectedRequest()
        if environ.get("PATH_INFO") != PATH:
            return NotFound(f"Here is nothing but {PATH}.")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return MethodNotAllowed(["GET", "HEAD"])
        body, content_type = self._write(environ.get("HTTP_ACCEPT", ""))
        return Response(body, content_type=content_type)

    def _count(self, environ: WSGIEnvironment, status: int, seconds: float) -> None:
        # Werkzeug's request is there once Flask has looked for its route.
        rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
        self._meter.answered(environ["REQUEST_METHOD"], rule and rule.rule, status, seconds)
        if code := environ.get(REFUSAL):
            self._meter.refused(code)
