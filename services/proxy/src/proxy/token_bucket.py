"""A token bucket: limits how much of something may be had in a time, and lets be saved what was not."""

import time


class TokenBucket:
    """What may be spent: so much for each second that passes, and at most what is `saved` at once."""

    def __init__(self, *, a_second: float, saved: float) -> None:
        """Begin with all that may be saved."""
        self._a_second = a_second
        self._most = self._left = saved
        self._counted_at = time.monotonic()

    def spend(self, amount: float) -> None:
        """Count what was spent, which may be more than there was."""
        self._count()
        self._left -= amount

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left for now."""
        self._count()
        return self._left <= 0

    @property
    def seconds_until_more(self) -> float:
        """Seconds until there is something left again."""
        self._count()
        return max(0.0, -self._left / self._a_second)

    def _count(self) -> None:
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._counted_at) * self._a_second)
        self._counted_at = now
