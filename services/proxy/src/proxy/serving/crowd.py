"""The crowd: all connections of this process, whose clients are waited for, and who must go when those are too many."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from proxy.serving.connection import Connection, network

SHARE = 4  # of this many, the part of all places in which one network's clients may be waited for
NARROW = 100  # places left, or a quarter of few, at which whoever has said nothing the longest must go
YOUNG = 1.0  # seconds, in which a client has had no time to speak
UNREAD = 0.1  # seconds, in which nobody may have looked yet whether it has spoken


class Caller:
    """One connection."""

    __slots__ = ("_crowd", "_on_speech", "connection", "is_sending_body", "network", "since")

    def __init__(self, crowd: Crowd, connection: Connection, network: str) -> None:
        self._crowd = crowd
        self._on_speech: Callable[[], None] | None = None
        self.connection = connection
        self.network = network
        self.since = 0.0  # of the monotonic clock: when its client began to be waited for
        self.is_sending_body = False

    def wait(self, on_speech: Callable[[], None] | None = None, *, is_sending_body: bool = False) -> None:
        """Say that its client is waited for, and what to do when the first byte of a next request has come."""
        self._on_speech = on_speech
        self.is_sending_body = is_sending_body
        self._crowd.wait_for(self)

    def speak(self) -> None:
        """Say that a next request has begun, whose end is waited for now."""
        if self._on_speech:
            self._on_speech()

    def hear(self) -> None:
        """Say that what its client was waited for has come, or never will."""
        self._crowd.hear(self)


class Crowd:
    """Lets go of connections whose clients are waited for, never of one whose request is whole.

    So neither idle connections nor heads and bodies without an end can keep others out, however many there are: those
    of one network take a quarter of the places at most, and those of many have to go when places get scarce.
    """

    def __init__(self, places: int) -> None:
        """Keep connections within so many places."""
        self._share = max(1, places // SHARE)
        self._enough = places - min(NARROW, places // 4)
        self._served: set[Caller] = set()
        self._waiting: dict[Caller, None] = {}  # the longest wait first
        self._networks: dict[str, dict[Caller, None]] = {}  # the same by network

    @contextmanager
    def caller(self, connection: Connection, address: str) -> Iterator[Caller]:
        """Give a place to a connection from this address, as long as the block lasts."""
        caller = Caller(self, connection, network(address))
        self._served.add(caller)
        self._thin_out(self._waiting, len(self._served) - self._enough, YOUNG)
        try:
            yield caller
        finally:
            self.hear(caller)
            self._served.discard(caller)

    def wait_for(self, caller: Caller) -> None:
        """Count one more whose client is waited for."""
        caller.since = time.monotonic()
        self._waiting[caller] = None
        its_own = self._networks.setdefault(caller.network, {})
        its_own[caller] = None
        self._thin_out(its_own, len(its_own) - self._share, UNREAD)

    def hear(self, caller: Caller) -> None:
        """Wait for this one no more."""
        self._waiting.pop(caller, None)
        its_own = self._networks.get(caller.network, {})
        its_own.pop(caller, None)
        if not its_own:
            self._networks.pop(caller.network, None)

    def make_room(self) -> None:
        """Let go of whoever is too much, also while nobody comes who could make room for itself."""
        for its_own in list(self._networks.values()):
            self._thin_out(its_own, len(its_own) - self._share, UNREAD)
        self._thin_out(self._waiting, len(self._served) - self._enough, YOUNG)

    def disperse(self) -> None:
        """Let go of all whose clients have not begun a request, or not come to the end of a head."""
        for caller in [each for each in self._waiting if not each.is_sending_body]:
            self._dismiss(caller)

    def _thin_out(self, waiting: dict[Caller, None], too_many: int, at_least: float) -> None:
        """Let go of so many of those who have been waited for the longest, and for so many seconds at least."""
        old = time.monotonic() - at_least
        for caller in [each for each in islice(waiting, max(0, too_many)) if each.since < old]:
            self._dismiss(caller)

    def _dismiss(self, caller: Caller) -> None:
        self.hear(caller)
        self._served.discard(caller)  # it has its place for a moment more, and must not count twice
        caller.connection.stop_listening()
