"""A token bucket: limits how much of its time a process gives to one thing, so that some is left for the rest."""

import time


class TokenBucket:
    """Time that may be spent: `share` of what passes, and at most `saved` seconds at once."""

    def __init__(self, *, share: float, saved: float) -> None:
        self._share = share
        self._most = self._left = saved
        self._counted_at = time.monotonic()

    def spend(self, seconds: float) -> None:
        """Count what was spent, which may be more than there was."""
        self._count()
        self._left -= seconds

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left for now."""
        self._count()
        return self._left <= 0

    @property
    def seconds_until_more(self) -> float:
        """Seconds until there is something left again."""
        self._count()
        return max(0.0, -self._left / self._share)

    def _count(self) -> None:
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._counted_at) * self._share)
        self._counted_at = now
