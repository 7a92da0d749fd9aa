"""The way to end a call from outside, whatever it waits for."""

import contextlib
import socket
import threading
import time


class Plug:
    """The socket of one call, for another thread to pull: the call then ends at once, whatever it waits for.

    Closing a response or a session is not enough: before the first byte Ollama sends not even a status line, and the
    read that waits for it goes on until its own time is up.
    """

    def __init__(self) -> None:
        """Begin unconnected."""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.pulled = False
        self.connected_at: float | None = None  # by the monotonic clock; with TLS, when both sides have agreed
        self.patience: float | None = None  # seconds that a download may be silent

    def reached(self, connection: socket.socket) -> None:
        """Take the call's socket, on which TLS may still have to be agreed."""
        with self._lock:
            # A descriptor of its own: TLS takes the other one over, and its number may belong to another file by the
            # time that this one is shut down.
            self._socket = connection.dup()
            if self.pulled:
                _shut_down(self._socket)

    def connected(self) -> None:
        """Take note that the request can be sent."""
        self.connected_at = time.monotonic()

    def pull(self) -> None:
        """End the call. One that has not connected yet ends as soon as it has."""
        with self._lock:
            self.pulled = True
            if self._socket is not None:
                _shut_down(self._socket)

    def let_go(self) -> None:
        """End the connection and forget it."""
        with self._lock:
            if self._socket is not None:
                _shut_down(self._socket)
                self._socket.close()
                self._socket = None


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already, by the other side or ours
        connection.shutdown(socket.SHUT_RDWR)  # below TLS, whose own goodbye would wait for its turn
