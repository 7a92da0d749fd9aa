"""Clients that cost little: one request at a time for latencies, many connections on one thread for load."""

from __future__ import annotations

import json
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBMISSION = b'{"prompt": "Why is the sky blue?", "options": {"temperature": 0.7}}'
ENOUGH_BYTES = 262_144


class Unexpected(Exception):
    """The server answered something else than success."""


class Connection:
    """One kept connection, one request at a time, with nothing between the clock and the socket."""

    def __init__(self, url: str, *, timeout: float = 90) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Send a request and read the whole answer. Raises Unexpected unless it succeeded."""
        self._socket.sendall(request(method, path, body))
        headers = self._headers()
        return self._answers.read(int(headers.get(b"content-length", b"0")))

    def timed(self, method: str, path: str, body: bytes = b"") -> float:
        """Give the seconds that a request takes."""
        began = time.perf_counter()
        self.ask(method, path, body)
        return time.perf_counter() - began

    def submit(self, prompt: str = "Why is the sky blue?", **fields: Any) -> str:
        """Hand in a prompt; its id."""
        body = json.dumps({"prompt": prompt, **fields}).encode()
        return str(json.loads(self.ask("POST", "/api/v1/prompt", body))["id"])

    def result(self, prompt_id: str) -> None:
        """Wait for the answer."""
        self.ask("GET", f"/api/v1/prompt/{prompt_id}/result?wait=60")

    def cancel(self, prompt_id: str) -> None:
        """End a prompt."""
        self.ask("POST", f"/api/v1/prompt/{prompt_id}/cancel")

    def lines(self, method: str, path: str, body: bytes = b"") -> Iterator[tuple[float, bytes]]:
        """Send a request and give each line of a streamed answer with the moment it was there."""
        self._socket.sendall(request(method, path, body))
        is_chunked = self._headers().get(b"transfer-encoding") == b"chunked"
        held = b""
        while True:
            part = self._chunk() if is_chunked else self._answers.read1()
            moment = time.monotonic()
            *lines, held = (held + part).split(b"\n")
            for line in lines:
                yield moment, line
            if not part:
                return

    def _chunk(self) -> bytes:
        size = int(self._answers.readline(), 16)
        part = self._answers.read(size)
        self._answers.readline()
        return part

    def _headers(self) -> dict[bytes, bytes]:
        status = self._answers.readline()
        headers = {}
        while line := self._answers.readline().strip():
            name, _, text = line.partition(b":")
            headers[name.lower()] = text.strip()
        if not status.startswith(b"HTTP/1.1 2"):
            body = self._answers.read(int(headers.get(b"content-length", b"0")))
            raise Unexpected((status + body).decode(errors="replace"))
        return headers


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """Write a request."""
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(kw_only=True)
class Load:
    """What came of a load."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def load(url: str, path: str, *, clients: int, seconds: float, body: bytes = SUBMISSION) -> Load:
    """Post `body` over so many connections, on each one request after the other. Raises Unexpected."""
    host, _, port = url.removeprefix("http://").partition(":")
    words = request("POST", path, body)
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, _Exchange())
    began = time.perf_counter()
    done = Load(seconds=seconds)
    open_exchanges = 0
    for key in selector.get_map().values():
        key.data.send(key.fileobj, words)
        open_exchanges += 1
    while open_exchanges:
        for key, _ in selector.select(30):
            if key.data.receive(key.fileobj):
                now = time.perf_counter()
                if now < began + seconds:
                    done.latencies.append(now - key.data.sent_at)
                    key.data.send(key.fileobj, words)
                else:
                    open_exchanges -= 1
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    selector.close()
    return done


class _Exchange:
    """A request under way on one connection."""

    def __init__(self) -> None:
        self.sent_at = 0.0
        self._held = b""

    def send(self, connection: Any, words: bytes) -> None:
        self.sent_at = time.perf_counter()
        connection.send(words)

    def receive(self, connection: Any) -> bool:
        """Take what has come; whether the answer is whole."""
        part = connection.recv(ENOUGH_BYTES)
        self._held += part
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not part:
            message = "the connection was closed"
            raise Unexpected(message)
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 20"):
            raise Unexpected(self._held.decode(errors="replace"))
        length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
        if len(rest) < int(length):
            return False
        self._held = b""
        return True
