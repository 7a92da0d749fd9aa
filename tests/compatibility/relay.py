"""A door before the door: passes bytes on as they are, and counts the requests in them."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

A_RESET = struct.pack("ii", 1, 0)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Relay:
    """Listens on a port of its own, and speaks to `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._requests: list[tuple[str, bytes]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def requests(self, text: str) -> list[str]:
        """Give the lines of the requests whose body has this text."""
        return [line for line, body in self._requests if text.encode() in body]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._join, args=[client], daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._server))
        except OSError:  # as if it had been refused
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, A_RESET)
            client.close()
            return
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_pass_on, args=[server, client, lambda _: None], daemon=True).start()
        _pass_on(client, server, _Reading(self._requests).take)


class _Reading:
    """Finds requests in what one connection brings."""

    def __init__(self, found: list[tuple[str, bytes]]) -> None:
        self._found = found
        self._data = b""

    def take(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._found.append((head.partition(b"\r\n")[0].decode(), rest[:size]))
            self._data = rest[size:]


def _pass_on(source: socket.socket, target: socket.socket, look: Callable[[bytes], None]) -> None:
    try:
        while data := source.recv(65_536):
            look(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # a reset on one side is one on the other
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, A_RESET)
                each.close()
