"""A passage from one socket to another: whoever connects here is led there."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 65536  # bytes at a time


@contextlib.contextmanager
def passage(listener: socket.socket, connect: Callable[[], socket.socket]) -> Iterator[None]:
    """Lead each connection to `listener` to one that `connect` makes, meanwhile."""

    def attend() -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            while True:
                here, _ = listener.accept()
                threading.Thread(target=_lead, args=(here, connect), daemon=True).start()

    threading.Thread(target=attend, daemon=True).start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits in accept
        listener.close()


def _lead(here: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with here:
        try:
            there = connect()
        except OSError:  # nobody is there: so nobody is here either
            return
        with there:
            back = threading.Thread(target=_carry, args=(there, here), daemon=True)
            back.start()
            _carry(here, there)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry all that comes from one to the other, and its end."""
    try:
        while data := source.recv(SIZE):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of them was cut
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
