"""HTTP over a bare socket, so that framing, header order and the way a connection ends can be seen."""

import contextlib
import json
import socket
from dataclasses import dataclass, field
from typing import Any, Self

WAIT = 10.0  # seconds


@dataclass
class Reply:
    status: str = ""
    interim: str = ""
    headers: list[str] = field(default_factory=list)
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    framing: str = ""
    is_whole: bool = True

    @property
    def code(self) -> int:
        return int(self.status.removeprefix("HTTP/1.0 ").split()[0])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.split(b"\n") if line]

    def header(self, name: str) -> str | None:
        for line in self.headers:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


class Raw:
    """One connection."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(WAIT)
        self.sock.connect(("127.0.0.1", port))
        self.host = f"127.0.0.1:{port}"
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        # An answer that came before the end of the request is there to be read all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str | None] | None = None) -> None:
        said: dict[str, str | None] = {"Host": self.host, "Content-Type": "application/json"}
        if body or method in ("POST", "PUT", "PATCH"):
            said["Content-Length"] = str(len(body))
        said |= headers or {}
        lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body)

    def post(self, path: str, value: Any) -> None:
        self.request("POST", path, json.dumps(value).encode())

    def reply(self, method: str = "") -> Reply:
        """Read one answer; `is_whole` is False where the connection ended within it."""
        reply = self._head()
        if reply.status.removeprefix("HTTP/1.1 ").startswith("100"):
            interim, reply = reply.status, self._head()
            reply.interim = f"HTTP/1.1 {interim}"
        if method == "HEAD" or reply.code == 204:
            reply.framing = "no body"
        elif reply.header("Transfer-Encoding") == "chunked":
            reply.framing = "chunked"
            self._chunks(reply)
        elif reply.header("Content-Length") is not None:
            reply.framing = "length"
            size = int(reply.header("Content-Length") or 0)
            reply.body = self._take(size)
            reply.is_whole = len(reply.body) == size
        else:
            reply.framing = "until the connection closes"
            reply.body = self._rest()
        return reply

    def line(self) -> Any:
        """Read the next line of a stream whose head was read with `head`; None at its end."""
        size = int(self._line() or b"0", 16)
        data = self._take(size)
        self._line()
        return json.loads(data) if data else None

    def head(self) -> Reply:
        """Read status and headers alone."""
        return self._head()

    def some(self, size: int) -> bytes:
        """The first so many bytes, whatever they are, or all that come before the end."""
        while len(self._buffer) < size and self._more():
            pass
        return self._buffer[:size]

    def is_closed(self, within: float = WAIT) -> bool:
        """Whether the other end closes, or has closed, with nothing more to read."""
        self.sock.settimeout(within)
        try:
            return self._buffer == b"" and self.sock.recv(1) == b""
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(WAIT)

    def _head(self) -> Reply:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                what = f"the connection ended after {self._buffer!r}"
                raise ConnectionError(what)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *headers = head.decode("latin-1").split("\r\n")
        return Reply(status=status.removeprefix("HTTP/1.1 "), headers=headers)

    def _chunks(self, reply: Reply) -> None:
        while True:
            size = self._line()
            if size is None:
                reply.is_whole = False
                return
            data = self._take(int(size, 16))
            self._line()
            if not data:
                return
            reply.chunks.append(data)
            reply.body += data

    def _line(self) -> bytes | None:
        while b"\r\n" not in self._buffer:
            if not self._more():
                return None
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size and self._more():
            pass
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _rest(self) -> bytes:
        while self._more():
            pass
        data, self._buffer = self._buffer, b""
        return data

    def _more(self) -> bool:
        data = self.sock.recv(1 << 16)
        self._buffer += data
        return bool(data)


def ask(port: int, path: str, value: Any) -> Reply:
    """One POST on a connection of its own."""
    with Raw(port) as raw:
        raw.post(path, value)
        return raw.reply()


def get(port: int, path: str) -> Reply:
    with Raw(port) as raw:
        raw.request("GET", path)
        return raw.reply()
