"""Places: how many connections this process holds at a time, whether a request waits in them or a stream is read."""

import threading
from collections.abc import Callable
from functools import partial

from proxy.access.asker import Asker
from proxy.access.gate import Gate
from proxy.errors import TooManyStreams
from proxy.meter import Kept, Meter
from proxy.serving.connection import Connection
from proxy.serving.departures import Departures

GiveBack = Callable[[], None]
"""Lets the next one have a place that was taken; its connection must still be open."""


class Places:
    """At most `limit` of them are taken at a time."""

    def __init__(self, departures: Departures, gate: Gate, *, limit: int, meter: Meter) -> None:
        self._departures = departures
        self._quotas = gate.quotas
        self._watch = gate.watch
        self._limit = limit
        self._meter = meter
        self._lock = threading.Lock()
        self.taken = 0

    def take(
        self,
        kept: Kept,
        asker: Asker,
        connection: Connection,
        on_gone: Callable[[], None],
        on_refused: Callable[[], None] | None = None,
    ) -> GiveBack:
        """Take a place for this asker's connection, and give what gives it back. Raises TooManyStreams, QuotaExceeded.

        `on_gone` is called within 250 ms of the client's leaving, and `on_refused`, or in its place `on_gone`, within
        two seconds once the asker may ask no more; both on another thread, which they must not block.
        """
        with self._lock:
            if self.taken >= self._limit:
                message = f"{self._limit} requests and streams are held already. Ask without wait, or try again."
                raise TooManyStreams(message)
            self._quotas.hold(asker.owner)
            self._departures.watch(connection.descriptor, on_gone)
            self.taken += 1
        self._watch.add(asker, connection, on_refused or on_gone)
        self._meter.held(kept, 1)
        return partial(self._give_back, kept, asker, connection)

    def stop(self) -> None:
        """Find nobody to have left any more: whom this process cuts off at its end has not."""
        self._departures.stop()

    def _give_back(self, kept: Kept, asker: Asker, connection: Connection) -> None:
        self._watch.remove(asker, connection)
        self._departures.forget(connection.descriptor)
        self._quotas.let_go(asker.owner)
        with self._lock:
            self.taken -= 1
        self._meter.held(kept, -1)
