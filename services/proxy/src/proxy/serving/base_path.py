"""The base path: what a server in front serves the product below. It stands before every path that an answer names."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map


class BelowBasePath:
    """Serves the application with the base path before its addresses, and without.

    Some servers in front take it off, as Caddy's handle_path does; others leave it. An address that the application has
    is taken as it is: below the base path /api, /api/v1/queue is still the queue.
    """

    def __init__(self, application: WSGIApplication, routes: Map, base_path: str) -> None:
        self._application = application
        self._routes = routes.bind("")
        self._below = base_path + "/"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(self._below) and not self._has(path):
            environ["PATH_INFO"] = path[len(self._below) - 1 :]
        return self._application(environ, start_response)

    def _has(self, path: str) -> bool:
        try:
            self._routes.match(path)
        except MethodNotAllowed:
            return True
        except NotFound:
            return False
        return True
