"""One connection: requests in, answers out, framed as Go's net/http frames them; and the news that the client left."""

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterable
from http import HTTPStatus

from . import gojson
from .bell import Bell
from .errors import BadHead, ClientGone, Malformed, Refused
from .framing import Stream, head
from .request import MAX_HEAD, READ_AFTER_REFUSAL, Request, parse_head, read_chunked

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"
BUFFER = 2048  # bytes; Go gives an answer up to this size a Content-Length, and sends a longer one in chunks

_RDHUP = getattr(select, "POLLRDHUP", 0)  # Linux alone tells a half-close apart from bytes that wait
_LEFT = _RDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


class Connection:
    """The server's end of one TCP connection. One thread reads and writes it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_idle = True
        """Whether no request is being answered."""
        self.answers = False
        """Whether a generate or chat call is."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._poller = select.poll()

    def next_request(self) -> Request | None:
        """The next request's head; None when the client has closed.

        Raises:
            BadHead: it is not HTTP as Go reads it.
        """
        self.is_idle = True
        while True:
            head_end = self._head_end()
            if head_end:
                break
            if len(self._buffer) > MAX_HEAD:
                raise BadHead(431)
            if not self._receive():
                return None
        self.is_idle = False
        self._poller.register(self.sock, _RDHUP or select.POLLIN)
        request = parse_head(self._take(head_end).strip(b"\r\n"))
        request.started = time.monotonic()
        return request

    def body(self, request: Request, *, hopeless: frozenset[int] = frozenset()) -> bytes:
        """The request's body. Reading stops at the first byte when that is one of the `hopeless`: no JSON begins so.

        Raises:
            ClientGone: the connection ended within it.
            Refused: 400, its chunks are none.
        """
        if request.expects and request.body_left != 0:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.expects = False
        if request.body_left is None:
            request.body_left = 0
            return self._chunked(request)
        length, request.body_left = request.body_left, 0
        if length > READ_AFTER_REFUSAL:
            if not self._buffer:
                self._receive_more()
            if self._buffer[0] in hopeless:
                request.body_left = length
                return bytes(self._buffer[:BUFFER])
        return self._take(length)

    def _chunked(self, request: Request) -> bytes:
        """A chunked body. What is wrong behind a whole JSON value is never read, and so never noticed."""
        body = bytearray()
        try:
            for piece in read_chunked(self._take_line, self._take):
                body += piece
        except Malformed as problem:
            request.headers.insert(0, ("connection", "close"))
            try:
                gojson.loads(bytes(body))
            except Malformed:
                raise Refused(400, str(problem)) from None
        return bytes(body)

    def answer(  # noqa: PLR0913 (the parts of an answer, each by its name)
        self,
        request: Request,
        status: int,
        body: bytes = b"",
        *,
        content_type: str = "",
        headers: Iterable[tuple[str, str]] = (),
        chunked: bool = False,
    ) -> None:
        """Send a whole answer; above 2,048 bytes, or when told to, in one chunk."""
        is_head, chunked = request.method == "HEAD", chunked or len(body) > BUFFER
        length = None if chunked or status == HTTPStatus.NO_CONTENT else len(body)
        start = head(request, status, content_type, headers, length, chunked=chunked and not is_head)
        if is_head:
            self.send(start)
        elif chunked and request.version >= (1, 1):
            self.send(start + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.send(start + body)
        self._finish(request, has_length=length is not None)

    def answer_json(
        self, request: Request, status: int, value: object, *, content_type: str = JSON, chunked: bool = False
    ) -> None:
        """Send a JSON value."""
        self.answer(request, status, gojson.dumps(value), content_type=content_type, chunked=chunked)

    def answer_part(self, request: Request, body: bytes, *, missing: int) -> None:
        """Send an answer that announces so many bytes more than it brings."""
        self.send(head(request, 200, JSON, (), len(body) + missing, chunked=False) + body)

    def stream(self, request: Request, content_type: str = NDJSON) -> Stream:
        """An answer that comes in lines; nothing is sent before the first."""
        return Stream(self.send, request, head(request, HTTPStatus.OK, content_type, (), None, chunked=True))

    def wait(self, seconds: float | None, bell: Bell | None = None) -> None:
        """Wait until the time is over or the bell rings.

        Raises:
            ClientGone: the client closed, reset or half-closed meanwhile, or had done so before.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        poller = self._poller
        if bell:
            poller = select.poll()
            poller.register(self.sock, _RDHUP or select.POLLIN)
            poller.register(bell.reading, select.POLLIN)
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            for descriptor, event in poller.poll(None if left is None else int(left * 1000)):
                if bell and descriptor == bell.reading:
                    bell.hush()
                    return
                self._look(poller, event)
            if left is not None and left < 0.001:  # noqa: PLR2004 (poll counts in milliseconds)
                if left:
                    time.sleep(left)
                return

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            ClientGone: the client does not take it any more.
        """
        try:
            self.sock.sendall(data)
        except OSError:
            raise ClientGone from None

    def refuse_head(self, problem: BadHead) -> None:
        """Answer bytes that were no HTTP, as plain text up to the end of the connection."""
        start = f"HTTP/1.1 {problem}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        self.send(f"{start}{problem.text}".encode())

    def close(self) -> None:
        """Send FIN, let the client read what was sent, then close."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(0.5)  # Go waits as long, so that a client still sending is not reset
            while self.sock.recv(1 << 16):
                pass
        self.drop()

    @property
    def is_closed(self) -> bool:
        """Whether this end is closed."""
        return self.sock.fileno() < 0

    def hang_up(self) -> None:
        """End it from another thread; the one that waits on it finds that the client is gone."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close at once."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _finish(self, request: Request, *, has_length: bool) -> None:
        if request.version < (1, 1) and not has_length:
            request.headers.insert(0, ("connection", "close"))
        if not request.closes and request.body_left:
            self._take(request.body_left)

    def _look(self, poller: "select.poll", event: int) -> None:
        if event & _LEFT:
            raise ClientGone
        try:
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise ClientGone
        except OSError:
            raise ClientGone from None
        poller.unregister(self.sock)  # a next request waits; from here on nothing tells that the client leaves

    def _head_end(self) -> int:
        """Where the head in the buffer ends; 0 while it is incomplete."""
        while self._buffer[:1].strip(b"\r\n") != self._buffer[:1]:
            del self._buffer[:1]
        ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (at := self._buffer.find(mark)) >= 0]
        return min(ends, default=0)

    def _take_line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            self._receive_more()
        return self._take(end + 1)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive_more()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _receive_more(self) -> None:
        if not self._receive():
            raise ClientGone

    def _receive(self) -> bool:
        try:
            data = self.sock.recv(1 << 18)
        except OSError:
            return False
        self._buffer += data
        return bool(data)
