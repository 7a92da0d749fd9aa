"""A server: one Ollama, as the worker knows it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.config import Config, ServerUrl, without_password
from worker.drain import Drain
from worker.ollama.client import Ollama
from worker.server.gate import Gate


class Server:
    """Where one Ollama is, how many prompts it answers at a time, whether it may get any, and what it is seen doing.

    Other processes may know it by the same `name`; they share its slots.
    """

    def __init__(self, at: ServerUrl, config: Config, *, drain: Drain) -> None:
        """Ask it nothing yet."""
        self.name = without_password(at.url)
        self.model = config.ollama_model
        self.slots = at.slots or config.worker_concurrency
        self.gate = Gate(patience=config.upstream_patience, drain=drain)
        self.is_awaited = True  # somebody wants to know when it next speaks
        self._url = at.url
        self._config = config
        self._lock = threading.Lock()
        self._calls = 0
        self._spoke_at = float("-inf")

    def client(self) -> Ollama:
        """Give a client of it, for one thread."""
        return Ollama.of(self._config, self._url)

    @contextmanager
    def called(self) -> Iterator[None]:
        """Know inside that there is a call."""
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    @property
    def is_called(self) -> bool:
        """Whether there is a call."""
        return self._calls > 0

    def spoke(self) -> None:
        """A piece of an answer came."""
        self._spoke_at = time.monotonic()
        if self.is_awaited:
            self.is_awaited = False
            self.gate.changed.set()

    def has_spoken_since(self, moment: float) -> bool:
        """Whether a piece of an answer came after this moment of the monotonic clock."""
        return self._spoke_at > moment
