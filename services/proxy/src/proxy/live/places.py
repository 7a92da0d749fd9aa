"""Places: how many connections this process holds at a time, whether a request waits in them or a stream is read."""

import threading
from collections.abc import Callable

from proxy.errors import TooManyStreams
from proxy.meter import Kept, Meter
from proxy.serving.connection import Connection
from proxy.serving.departures import Departures


class Places:
    """At most `limit` of them are taken at a time."""

    def __init__(self, departures: Departures, *, limit: int, meter: Meter) -> None:
        self._departures = departures
        self._limit = limit
        self._meter = meter
        self._lock = threading.Lock()
        self.taken = 0

    def take(self, kept: Kept, connection: Connection, on_gone: Callable[[], None]) -> None:
        """Take a place for this connection. Raises TooManyStreams.

        `on_gone` is called within 250 ms of the client's leaving, on another thread, and must not block.
        """
        with self._lock:
            if self.taken >= self._limit:
                message = f"{self._limit} requests and streams are held already. Ask without wait, or try again."
                raise TooManyStreams(message)
            self._departures.watch(connection.descriptor, on_gone)
            self.taken += 1
        self._meter.held(kept, 1)

    def give_back(self, kept: Kept, connection: Connection) -> None:
        """Let the next one have the place; this connection must still be open."""
        self._departures.forget(connection.descriptor)
        with self._lock:
            self.taken -= 1
        self._meter.held(kept, -1)
