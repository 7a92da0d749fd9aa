"""A request's connection, as far as the server lends it."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


class Connection:
    """The way back to the client that has asked."""

    __slots__ = ("_socket",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        """Find it in what the server says of the request; in a test without a server there is none."""
        self._socket: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")

    @property
    def descriptor(self) -> int:
        """Its file descriptor; -1 where there is none, and once it is closed."""
        return self._socket.fileno() if self._socket else -1

    @contextmanager
    def impatient(self, seconds: float) -> Iterator[None]:
        """Let a read inside fail with OSError once nothing has come for so many seconds."""
        if not self._socket:
            yield
            return
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            yield
        finally:
            self._socket.settimeout(before)

    def cut(self) -> None:
        """Break it, for a client that does not read is never done with."""
        if self._socket:
            # By a copy: through the original gevent would wake its writer with an error that Gunicorn calls a mistake.
            with suppress(OSError), self._socket.dup() as same:
                same.shutdown(socket.SHUT_RDWR)
