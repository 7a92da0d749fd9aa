"""The end of the worker: nothing is claimed any more, and what is in hand has until a deadline."""

import threading
import time


class Drain:
    """Asked by everybody, begun by the thread that hears the signals."""

    def __init__(self) -> None:
        """Begin with no end in sight."""
        self._changed = threading.Condition()
        self._until = float("inf")

    def begin(self, seconds: float) -> None:
        """Claim nothing from now on; give what is in hand this long."""
        with self._changed:
            self._until = time.monotonic() + seconds
            self._changed.notify_all()

    @property
    def has_begun(self) -> bool:
        """Whether nothing may be claimed any more."""
        return self._until < float("inf")

    @property
    def until(self) -> float:
        """When calls in hand are ended, by the monotonic clock; infinity before it has begun."""
        return self._until

    @property
    def is_over(self) -> bool:
        """Whether what is still in hand must be given back."""
        return time.monotonic() >= self._until

    def pause(self, seconds: float) -> None:
        """Wait this many seconds; less if the drain begins, or is cut short, meanwhile."""
        with self._changed:
            self._changed.wait(min(seconds, max(0.0, self._until - time.monotonic())))
