"""What the model runs on: cpu, gpu or mixed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from worker.ollama.call_end import OllamaFailed

if TYPE_CHECKING:
    from worker.ollama.client import Ollama
    from worker.server.server import Server

ASK_EVERY = 10.0  # seconds, as long as it answers


class Processor:
    """Asked for while the model speaks: at once if nobody knows yet, since it may be unloaded soon, else seldom."""

    def __init__(self, server: Server, ollama: Ollama) -> None:
        """Know nothing yet."""
        self._server = server
        self._ollama = ollama
        self._asked_at = float("-inf")
        self.name: str | None = None
        """None while nobody knows."""

    def learn(self) -> None:
        """Ask for it, if it is time."""
        now = time.monotonic()
        if not self._server.has_spoken_since(self._asked_at) or (self.name and now - self._asked_at < ASK_EVERY):
            return
        self._asked_at = now
        with suppress(OllamaFailed):  # nice to know, and no reason to hold anything back
            self.name = self._ollama.processor(self._server.model) or self.name
        self._server.is_awaited = self.name is None
