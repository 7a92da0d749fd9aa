"""How far a download of the model is, from the records of /api/pull."""

from collections.abc import Mapping
from typing import Any

STALL_SECONDS = 60.0
"""How long a download may stand still: Ollama itself retries a broken one for ever, with a line every 60 ms."""

MOST_LAYERS = 1000
"""How many layers are kept count of; a model has half a dozen."""

VERIFY_SECONDS = 600.0
"""How long it may be silent once everything is there: Ollama verifies it then, without a word."""


class Download:
    """One run of /api/pull."""

    def __init__(self, now: float) -> None:
        """Begin at `now`, by the monotonic clock."""
        self.percent = 0
        self.moved = False
        self._layers: dict[str, tuple[int, int]] = {}
        self._moved_at = now

    def take(self, record: Mapping[str, Any], now: float) -> None:
        """Take in one record."""
        before = self._completed
        digest = record.get("digest")
        if isinstance(digest, str) and (digest in self._layers or len(self._layers) < MOST_LAYERS):
            self._layers[digest] = (_bytes(record, "completed"), _bytes(record, "total"))
        if self._completed != before:
            # The first count of a download that is resumed is not movement: so much was there before.
            self.moved = self.moved or before > 0
            self._moved_at = now
        total = sum(total for _, total in self._layers.values())
        if total:
            # Layers become known one by one: a percentage never falls.
            self.percent = max(self.percent, min(100, self._completed * 100 // total))

    def is_stalled(self, now: float) -> bool:
        """Whether nothing has come for too long; files that are complete take their time to be verified."""
        return not self._is_complete and now - self._moved_at >= STALL_SECONDS

    @property
    def patience(self) -> float:
        """How many seconds it may be silent now."""
        return VERIFY_SECONDS if self._is_complete else STALL_SECONDS

    @property
    def _completed(self) -> int:
        return sum(completed for completed, _ in self._layers.values())

    @property
    def _is_complete(self) -> bool:
        return bool(self._layers) and all(completed >= total for completed, total in self._layers.values())


def _bytes(record: Mapping[str, Any], name: str) -> int:
    count = record.get(name)
    return max(0, count) if isinstance(count, int) else 0
