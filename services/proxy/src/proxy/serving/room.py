"""Room for bodies: how much memory all that are being read and checked may take together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import Busy

SIZE = 64 * 1024 * 1024  # bytes


class Room:
    """A number of bytes that bodies take from and give back to."""

    def __init__(self, size: int = SIZE) -> None:
        self._lock = threading.Lock()
        self._free = size

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give a place for one body; what it takes is free again when the block ends, however it ends."""
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def take(self, size: int) -> None:
        """Take so many bytes. Raises Busy where fewer are left."""
        with self._lock:
            if size > self._free:
                message = "Too many bodies are being read at this moment. Try again after Retry-After seconds."
                raise Busy(message)
            self._free -= size

    def give_back(self, size: int) -> None:
        """Give so many bytes back."""
        with self._lock:
            self._free += size


class Place:
    """What one body has taken of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.size = 0

    def grow(self, size: int) -> None:
        """Take so many bytes more. Raises Busy."""
        self._room.take(size)
        self.size += size

    def leave(self) -> None:
        """Give all of it back."""
        size, self.size = self.size, 0
        self._room.give_back(size)
