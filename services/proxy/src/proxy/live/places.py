"""Places: how many connections this process holds at a time, whether a request waits in them or a stream is read."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from proxy.errors import TooManyStreams

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.serving.connection import Connection
    from proxy.serving.departures import Departures


class Places:
    """At most `limit` of them are taken at a time."""

    def __init__(self, departures: Departures, *, limit: int) -> None:
        """Learn from `departures` whose client has left."""
        self._departures = departures
        self._limit = limit
        self._lock = threading.Lock()
        self.taken = 0

    def take(self, connection: Connection, on_gone: Callable[[], None]) -> Callable[[], None]:
        """Take a place for this connection, and give what gives it back.

        `on_gone` is called within 250 ms of the client's leaving, on another thread, and must not block. Raises
        TooManyStreams.
        """
        with self._lock:
            if self.taken >= self._limit:
                message = f"{self._limit} requests and streams are held already. Ask without wait, or try again."
                raise TooManyStreams(message)
            self.taken += 1
        descriptor = connection.descriptor
        self._departures.watch(descriptor, on_gone)
        return partial(self._give_back, descriptor)

    def _give_back(self, descriptor: int) -> None:
        self._departures.forget(descriptor)
        with self._lock:
            self.taken -= 1
