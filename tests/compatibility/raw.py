"""Clients without a library: what is sent, byte by byte, and how a connection is left."""

from __future__ import annotations

import json
import socket
import struct
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from compatibility.clients import Face

if TYPE_CHECKING:
    from collections.abc import Mapping

AT_ONCE = struct.pack("ii", 1, 0)
HEARD_WITHIN = 30.0  # seconds


class Way(StrEnum):
    """How a client leaves."""

    FIN = "FIN"
    RST = "RST"
    HALF_CLOSE = "half-close"


PATHS: Mapping[Face, str] = {
    Face.OLLAMA: "/api/chat",
    Face.OPENAI: "/v1/chat/completions",
    Face.RESPONSES: "/v1/responses",
    Face.ANTHROPIC: "/v1/messages",
}


def body(face: Face, text: str, *, stream: bool) -> dict[str, Any]:
    """Give a request of this protocol, with no more than it needs."""
    asked: dict[str, Any] = {"model": "llama3.2", "stream": stream}
    match face:
        case Face.RESPONSES:
            return {**asked, "input": text}
        case Face.ANTHROPIC:
            return {**asked, "max_tokens": 100_000, "messages": [{"role": "user", "content": text}]}
        case _:
            return {**asked, "messages": [{"role": "user", "content": text}]}


class Raw:
    """One connection and one request."""

    def __init__(self, port: int, face: Face, text: str, *, stream: bool, **more: Any) -> None:
        data = json.dumps({**body(face, text, stream=stream), **more}).encode()
        head = f"POST {PATHS[face]} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        self.socket = socket.create_connection(("127.0.0.1", port), HEARD_WITHIN)
        self.socket.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        self._heard = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def head(self) -> str:
        """Give the status line and the headers, in small letters."""
        return self._until(b"\r\n\r\n").decode().lower()

    def chunk(self) -> bytes | None:
        """Give the next HTTP chunk; None after the last. Raises EOFError where the connection is cut."""
        size = int(self._until(b"\r\n"), 16)
        while len(self._heard) < size + 2:
            self._hear()
        data, self._heard = self._heard[:size], self._heard[size + 2 :]
        return data or None

    def chunks(self) -> list[bytes]:
        """Give all that are left."""
        return list(iter(self.chunk, None))  # type: ignore[arg-type]

    def leave(self, way: Way) -> None:
        match way:
            case Way.FIN:
                self.socket.close()
            case Way.RST:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                self.socket.close()
            case Way.HALF_CLOSE:
                self.socket.shutdown(socket.SHUT_WR)

    def _until(self, end: bytes) -> bytes:
        while end not in self._heard:
            self._hear()
        found, _, self._heard = self._heard.partition(end)
        return found

    def _hear(self) -> None:
        if not (data := self.socket.recv(65_536)):
            raise EOFError
        self._heard += data
