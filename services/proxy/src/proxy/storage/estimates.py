"""Estimates: how long until an answer, a place in line, a next look, from what was measured."""

import math
import time

from promptqueue.condition import DEFAULT_MODEL
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Prompt, Status

from proxy.storage.overview import Overview, WholeQueue
from proxy.storage.pace import pace_of

FRESH_FOR = 1.0  # seconds that counts are used again
UNKNOWN_NEXT_LOOK = 2  # seconds
UNKNOWN_PLACE = 30  # seconds


class Estimates:
    """Counts, workers and servers as of the last second, and what follows from them."""

    def __init__(self, whole_queue: WholeQueue) -> None:
        self._whole_queue = whole_queue
        self._known: Overview | None = None
        self._known_at = -math.inf

    def eta(self, prompt: Prompt, position: int | None) -> float | None:
        """Estimate the seconds until a prompt is answered; None when it is, and when nobody can know.

        That is while no prompt ever was answered, no worker lives, no server can answer, the queue is paused, the
        server that answers this prompt is not well, or it takes longer than the last ones there did.
        """
        if prompt.status is Status.COMPLETED:
            return None
        now = self._now()
        pace = pace_of(now)
        if pace is None:
            return None
        if prompt.started_at is not None:
            left = pace.on(prompt.server) - max(0.0, time.time() - prompt.started_at)
            return round(left, 1) if left > 0 else None
        # So many must end first, of which the next is on average half done; then its own takes as long as any.
        before = (position or 1) - pace.idle
        return round(pace.seconds + max(0.0, before - 0.5) * pace.between, 1)

    def until_next_look(self, eta: float | None) -> int:
        """Say after how many seconds it is worth asking again, 1 to 60."""
        return UNKNOWN_NEXT_LOOK if eta is None else min(60, max(1, math.ceil(eta)))

    def until_a_place_is_free(self) -> int:
        """Say after how many seconds a full queue has a place again, 1 to 600."""
        try:
            pace = pace_of(self._now())
        except StorageUnavailable:
            return UNKNOWN_PLACE
        return UNKNOWN_PLACE if pace is None else min(600, max(1, math.ceil(pace.between)))

    def model(self) -> str:
        """Name the model that answers: the one that a worker reports, or the default while none has."""
        reported = self._now().reported
        return reported.name if reported else DEFAULT_MODEL

    def _now(self) -> Overview:
        if self._known is None or time.monotonic() >= self._known_at + FRESH_FOR:
            self._known, self._known_at = self._whole_queue.overview(), time.monotonic()
        return self._known
