"""Clients that keep to nothing: bytes as they like, at the pace they like, and gone when they like."""

from __future__ import annotations

import http.client
import io
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from support.client import Reply
from support.processes import PROC

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = struct.pack("ii", 1, 0)  # of SO_LINGER: a reset instead of a goodbye, and no port that is kept for a minute


class RudeClient:
    """One connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def say(self, data: bytes) -> bool:
        """Send this; whether there was still somebody to send it to."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def hear(self, seconds: float = 10) -> Reply:
        """Give the first answer, status 0 when there is none within so many seconds of silence."""
        self.socket.settimeout(seconds)
        answer = http.client.HTTPResponse(self.socket)
        try:
            answer.begin()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())
        except (OSError, http.client.HTTPException) as error:
            return Reply(status=0, headers=http.client.HTTPMessage(), body=repr(error).encode())

    def hear_all(self, seconds: float) -> list[Reply]:
        """Give every answer that comes until the server closes or is silent for so many seconds."""
        self.socket.settimeout(seconds)
        heard = bytearray()
        with suppress(OSError):
            while piece := self.socket.recv(65_536):
                heard += piece
        return list(_answers(bytes(heard)))

    def is_closed(self, seconds: float = 10) -> bool:
        """Whether the server closes, whatever it says before."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def leave(self) -> None:
        """Be gone, whatever is under way."""
        self.socket.close()


@contextmanager
def flooded(port: int, head: bytes, piece: bytes, *, clients: int = 3) -> Iterator[None]:
    """Let clients send `head` and then `piece` without end and without pause, and come back when they are cut off."""
    over = threading.Event()

    def pour() -> None:
        while not over.is_set():
            with suppress(OSError), RudeClient(port) as client:
                client.socket.settimeout(1)
                client.socket.sendall(head)
                while not over.is_set():
                    client.socket.sendall(piece)
                    with suppress(BlockingIOError):
                        client.socket.recv(1_048_576, socket.MSG_DONTWAIT)

    threads = [threading.Thread(target=pour, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


def connections(port: int) -> int:
    """Count the connections that the server on this port has not let go of."""
    rows = [line.split() for line in (PROC / "net/tcp").read_text().splitlines()[1:]]
    established, close_wait = "01", "08"
    return sum(row[1].endswith(f":{port:04X}") and row[3] in (established, close_wait) for row in rows)


def _answers(heard: bytes) -> Iterator[Reply]:
    stream = _Heard(heard)
    while stream.tell() < len(heard):
        answer = http.client.HTTPResponse(stream)  # type: ignore[arg-type]  # all it wants is makefile
        try:
            answer.begin()
            yield Reply(status=answer.status, headers=answer.headers, body=answer.read())
        except http.client.HTTPException:
            return


class _Heard(io.BytesIO):
    """What was heard, as http.client wants it."""

    def makefile(self, _mode: str) -> _Heard:
        return self

    def close(self) -> None:
        """Stay open: another answer may follow."""
