"""Answers as bytes: heads in Go's order, streams in chunks."""

from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus

from . import gojson
from .request import READ_AFTER_REFUSAL, Request


def head(  # noqa: PLR0913 (the parts of a head)
    request: Request,
    status: int,
    content_type: str,
    headers: Iterable[tuple[str, str]],
    length: int | None,
    *,
    chunked: bool,
) -> bytes:
    """Status line and headers, up to the blank line."""
    # Go's order: what the handler has set, sorted; then Date, Content-Length, Connection, Transfer-Encoding.
    is_old = request.version < (1, 1)
    if request.body_left is None or request.body_left > READ_AFTER_REFUSAL or (request.expects and request.body_left):
        request.headers.insert(0, ("connection", "close"))
    said = [*request.cors, *headers]
    if content_type:
        said.append(("Content-Type", content_type))
    lines = [f"{name}: {value}" for name, value in sorted(said, key=lambda each: each[0])]
    lines.append(f"Date: {formatdate(usegmt=True)}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if any(name == "Connection" for name, _ in said):
        pass  # the handler has said it
    elif request.closes and not is_old:
        lines.append("Connection: close")
    elif is_old and not request.closes and length is not None:
        lines.append("Connection: keep-alive")
    if chunked and not is_old:
        lines.append("Transfer-Encoding: chunked")
    version = "HTTP/1.0" if is_old else "HTTP/1.1"
    return "\r\n".join([f"{version} {status} {HTTPStatus(status).phrase}", *lines, "", ""]).encode("latin-1")


class Stream:
    """An answer in lines, each sent at once and as one chunk; the head travels with the first."""

    def __init__(self, send: Callable[[bytes], None], request: Request, head: bytes) -> None:
        self._send = send
        self._request = request
        self._head = head
        self._frames = request.version >= (1, 1)

    @property
    def has_begun(self) -> bool:
        """Whether anything was sent."""
        return not self._head

    def begin(self) -> None:
        """Send the head without a line, which the real server never does."""
        if self._head:
            self._send(self._head)
            self._head = b""

    def line(self, value: object) -> None:
        """Send one JSON value and a newline."""
        self.raw(gojson.dumps(value) + b"\n")

    def raw(self, line: bytes) -> None:
        """Send these bytes as one chunk."""
        self._send(self._head + (b"%x\r\n%b\r\n" % (len(line), line) if self._frames else line))
        self._head = b""

    def end(self) -> None:
        """Send the last chunk."""
        self._send(self._head + (b"0\r\n\r\n" if self._frames else b""))
        self._head = b""
        if not self._frames:
            self._request.headers.insert(0, ("connection", "close"))
