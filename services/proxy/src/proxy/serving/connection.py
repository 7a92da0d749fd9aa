"""The connection that a request came by, and the network that it came from."""

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

OF_ONE_HOST = 64  # bits of an IPv6 address, whose other half a host changes as it likes


class Connection:
    """The way back to the client that has asked."""

    __slots__ = ("_socket",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        """Find it where Gunicorn or Werkzeug has put it; a test without a server has none."""
        self._socket: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")

    @property
    def descriptor(self) -> int:
        """Its file descriptor; -1 where there is none, and once it is closed."""
        return self._socket.fileno() if self._socket else -1

    @contextmanager
    def impatient(self, seconds: float) -> Iterator[None]:
        """Let a read inside fail with OSError when nothing comes for so many seconds."""
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
        """Break it, for nothing else ends an answer to a client that does not read."""
        self._shut(socket.SHUT_RDWR)

    def stop_listening(self) -> None:
        """Let whoever reads from it come to its end once what has arrived is read, which may still be answered."""
        self._shut(socket.SHUT_RD)

    def _shut(self, how: int) -> None:
        if self._socket:
            # On a copy of the descriptor: gevent would wake whoever reads or writes with an error that Gunicorn logs.
            with suppress(OSError), self._socket.dup() as same:
                same.shutdown(how)


def network(address: str) -> str:
    """Name whom an address belongs to, as far as it tells; nothing for what is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket in the file system has none
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, OF_ONE_HOST), strict=False))
