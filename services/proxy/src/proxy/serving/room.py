"""Room for bodies: how much memory all that are being read and checked may take, and how much of it one network's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import Busy
from proxy.serving.descriptors import MOST_CONNECTIONS

SIZE = 64 * 1024 * 1024  # bytes
SHARE = 4  # of this many, the part that one network's bodies may take together; one that is alone may take it all


class Room:
    """A number of bytes that bodies take from and give back to.

    The smallest body takes as much as there is for each connection, so no network fills more of the connections with
    bodies that never end than it may fill of the room.
    """

    def __init__(self, size: int = SIZE, *, connections: int = MOST_CONNECTIONS) -> None:
        self.least = size // connections
        self._lock = threading.Lock()
        self._share = size // SHARE
        self._free = size
        self._taken: Counter[str] = Counter()  # by network, of those that have taken any

    @contextmanager
    def place(self, network: str) -> Iterator[Place]:
        """Give a place for one body from this network; what it takes is free again when the block ends. Raises Busy."""
        place = Place(self, network)
        place.grow(0)
        try:
            yield place
        finally:
            place.leave()

    def take(self, place: Place, size: int) -> None:
        """Take so many bytes more for a place. Raises Busy where fewer are left, or left to its network."""
        with self._lock:
            taken = self._taken[place.network]
            if size > self._free or (taken > place.taken and taken + size > self._share):
                message = "Too many bodies are being read at this moment. Try again after Retry-After seconds."
                raise Busy(message)
            self._free -= size
            self._taken[place.network] += size

    def give_back(self, place: Place) -> None:
        """Give back what a place has taken."""
        with self._lock:
            self._free += place.taken
            self._taken[place.network] -= place.taken
            if not self._taken[place.network]:
                del self._taken[place.network]


class Place:
    """What one body has taken of the room."""

    def __init__(self, room: Room, network: str) -> None:
        self.network = network
        self.taken = 0  # bytes
        self._room = room
        self._size = 0  # bytes of the body

    def grow(self, size: int) -> None:
        """Have room for so many bytes more. Raises Busy."""
        more = max(0, max(self._size + size, self._room.least) - self.taken)
        self._room.take(self, more)
        self._size += size
        self.taken += more

    def leave(self) -> None:
        """Give all of it back."""
        self._room.give_back(self)
        self._size = self.taken = 0
