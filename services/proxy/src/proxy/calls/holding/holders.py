"""Holders: how many calls of this process hold each prompt, so that only the last one's leaving means something."""

import threading
from collections import Counter


class Holders:
    """Counts them. Two calls with the same Idempotency-Key hold the same prompt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def add(self, prompt_id: str) -> None:
        """Count one more."""
        with self._lock:
            self._calls[prompt_id] += 1

    def remove(self, prompt_id: str) -> bool:
        """Count one less; whether it was the last."""
        with self._lock:
            self._calls[prompt_id] -= 1
            is_last = not self._calls[prompt_id]
            if is_last:
                del self._calls[prompt_id]
        return is_last
