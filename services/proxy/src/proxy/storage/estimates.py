"""Estimates: how long until an answer, a place in line, a next look, from what was measured."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from promptqueue.condition import DEFAULT_MODEL, Counts, ModelState, Workers
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Prompt, Status

if TYPE_CHECKING:
    from promptqueue import PromptQueue
    from promptqueue.condition import Model

    from proxy.storage.reader import Reader

FRESH_FOR = 1.0  # seconds that counts are used again
UNKNOWN_NEXT_LOOK = 2  # seconds
UNKNOWN_PLACE = 30  # seconds


class Estimates:
    """Counts and workers as of the last second, and what follows from them."""

    def __init__(self, reader: Reader) -> None:
        """Look through `reader`, when somebody asks."""
        self._reader = reader
        self._looked_at = -math.inf
        self._counts: Counts
        self._workers: Workers
        self._model: Model | None

    def eta(self, prompt: Prompt, position: int | None) -> float | None:
        """Estimate the seconds until a prompt is answered; None when it is, and when nobody can know.

        That is while no prompt ever was answered, no worker lives, the model cannot answer, the queue is paused, or
        this prompt takes longer than the last ones did.
        """
        if prompt.status is Status.COMPLETED:
            return None
        self._look()
        seconds, pace = self._counts.seconds_per_prompt, self._pace()
        if seconds is None or pace is None:
            return None
        if prompt.started_at is not None:
            left = seconds - max(0.0, time.time() - prompt.started_at)
            return round(left, 1) if left > 0 else None
        # So many must end first, of which the next is on average half done; then its own takes as long as any.
        before = (position or 1) - max(0, self._workers.slots - self._counts.processing)
        return round(seconds + max(0.0, before - 0.5) * pace, 1)

    def until_next_look(self, eta: float | None) -> int:
        """Say after how many seconds it is worth asking again, 1 to 60."""
        return UNKNOWN_NEXT_LOOK if eta is None else min(60, max(1, math.ceil(eta)))

    def until_a_place_is_free(self) -> int:
        """Say after how many seconds a full queue has a place again, 1 to 600."""
        try:
            self._look()
        except StorageUnavailable:
            return UNKNOWN_PLACE
        pace = self._pace()
        return UNKNOWN_PLACE if pace is None else min(600, max(1, math.ceil(pace)))

    def _pace(self) -> float | None:
        """Give the seconds from one answer to the next while all slots are busy; None while no answer can come."""
        can_answer = self._model is None or self._model.state is ModelState.READY  # None: nothing was said of it yet
        if self._counts.seconds_per_prompt is None or not self._workers.slots or not can_answer or self._counts.paused:
            return None
        return self._counts.seconds_per_prompt / self._workers.slots

    def model(self) -> str:
        """Name the model that answers: the worker's word, or the default while it has said nothing."""
        self._look()
        return self._model.name if self._model else DEFAULT_MODEL

    def _look(self) -> None:
        if time.monotonic() < self._looked_at + FRESH_FOR:
            return

        def look(queue: PromptQueue) -> tuple[Counts, Workers, Model | None]:
            return queue.counts(), queue.workers(), queue.model()

        self._counts, self._workers, self._model = self._reader.read(look)
        self._looked_at = time.monotonic()
