"""Which path answers to which methods, and what every other path and method gets: gin's rules."""

import posixpath
import re
from dataclasses import dataclass
from http import HTTPStatus

from .request import Request

# Paths and the methods that they allow, in gin's order.
ROUTES: dict[str, tuple[str, ...]] = {
    "/": ("HEAD", "GET"),
    "/api/version": ("HEAD", "GET"),
    "/api/tags": ("HEAD", "GET"),
    "/api/ps": ("GET",),
    "/api/status": ("GET",),
    "/api/show": ("POST",),
    "/api/pull": ("POST",),
    "/api/delete": ("DELETE",),
    "/api/generate": ("POST",),
    "/api/chat": ("POST",),
}


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """An answer that is no endpoint's."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def route(request: Request) -> Elsewhere | None:
    """None when an endpoint is to answer."""
    path, method = request.path, request.method
    if (method, path) == ("OPTIONS", "*"):
        return Elsewhere(status=200)
    if (cleaned := _cleaned(path)) != path:
        return _redirect(request, cleaned, 307)
    allowed = ROUTES.get(path)
    if allowed is None:
        if path.endswith("/") and path.rstrip("/") in ROUTES:
            return _redirect(request, path.rstrip("/"), 301 if method == "GET" else 307)
        return Elsewhere(status=404, body=b"404 page not found", content_type="text/plain")
    if method in allowed:
        return None
    allow = (("Allow", ", ".join(allowed)),)
    return Elsewhere(status=405, body=b"405 method not allowed", content_type="text/plain", headers=allow)


def _cleaned(path: str) -> str:
    """The path as Go's mux has it: without empty, `.` and `..` parts."""
    cleaned = posixpath.normpath(re.sub(r"^/*", "/", path))
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def _redirect(request: Request, path: str, status: int) -> Elsewhere:
    target = f"{path}?{request.query}" if request.query else path
    location = (("Location", target),)
    if request.method not in ("GET", "HEAD"):
        return Elsewhere(status=status, headers=location)
    body = f'<a href="{target}">{HTTPStatus(status).phrase}</a>.\n\n'
    return Elsewhere(status=status, body=body.encode(), content_type="text/html; charset=utf-8", headers=location)
