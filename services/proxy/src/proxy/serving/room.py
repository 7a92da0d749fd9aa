"""Room for bodies: what those that are being read and checked may take of this process's memory, all together."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 64 * 1024 * 1024  # bytes


class Room:
    """So many bytes, shared by whoever takes some and gives them back."""

    def __init__(self, size: int = SIZE) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._free = size

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give a place that can grow; what it has taken is free again in the end, however that comes."""
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def take(self, size: int) -> None:
        """Take so many bytes. Raises Busy where there are not as many left."""
        with self._lock:
            if size > self._free:
                message = "Too many bodies are being read at this moment. Try again after Retry-After seconds."
                raise Busy(message)
            self._free -= size

    def give_back(self, size: int) -> None:
        """Let others have so many bytes."""
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
