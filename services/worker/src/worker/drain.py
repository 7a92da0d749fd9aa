"""The end of the worker: nothing is claimed any more, and what is in hand has until a deadline."""

from __future__ import annotations

import threading
import time


class Drain:
    """Asked by everybody, begun by the thread that hears the signals."""

    def __init__(self) -> None:
        """Begin with no end in sight."""
        self._begun = threading.Event()
        self._until = float("inf")

    def begin(self, seconds: float) -> None:
        """Claim nothing from now on; give what is in hand this long."""
        self._until = time.monotonic() + seconds
        self._begun.set()

    @property
    def has_begun(self) -> bool:
        """Whether nothing may be claimed any more."""
        return self._begun.is_set()

    @property
    def until(self) -> float:
        """When calls in hand are ended, by the monotonic clock; infinity before it has begun."""
        return self._until

    @property
    def is_over(self) -> bool:
        """Whether what is still in hand must be given back."""
        return time.monotonic() >= self._until

    def wait(self, timeout: float) -> bool:
        """Wait this many seconds, less if the drain begins meanwhile; whether it has begun."""
        return self._begun.wait(timeout)
