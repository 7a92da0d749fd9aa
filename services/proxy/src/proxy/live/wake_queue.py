"""A wake queue: readers to wake, first come, first served, within a share of this process's time."""

import threading
from collections.abc import Iterable

from proxy.token_bucket import TokenBucket

AT_ONCE = 0.005  # seconds
EACH = 0.000_1  # seconds that one reader costs when there is something new: it wakes, writes JSON, and sends it


class WakeQueue:
    """Each reader stands in it once, and finds the latest when it is woken, however long that took."""

    def __init__(self, *, share: float) -> None:
        """Wake nobody yet; `share` of the time that passes may be spent."""
        self.time = TokenBucket(a_second=share, saved=AT_ONCE)
        self._readers: dict[threading.Event, None] = {}

    def add(self, readers: Iterable[threading.Event]) -> None:
        """Let these be woken soon."""
        self._readers.update(dict.fromkeys(readers))

    def wake(self) -> None:
        """Wake as many as the time allows."""
        while self._readers and not self.time.is_spent:
            reader = next(iter(self._readers))
            del self._readers[reader]
            reader.set()
            self.time.spend(EACH)

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits to be woken."""
        return not self._readers
