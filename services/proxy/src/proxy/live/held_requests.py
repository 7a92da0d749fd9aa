"""Held requests: an answer that waits until there is something to say. Event streams take their places here too."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from promptqueue.notes import Changed

from proxy.errors import TooManyStreams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promptqueue.notes import Listener

    from proxy.serving.connection import Connection

Seen = TypeVar("Seen")

LOOK_EVERY = 1.0  # seconds; a wake-up may get lost, and time passes without one


@dataclass(frozen=True)
class Held:
    """For how long a request may be held, and who waits."""

    seconds: float
    by: Connection


class HeldRequests:
    """Holds up to `limit` requests at a time."""

    def __init__(self, listen: Callable[[], Listener], *, limit: int) -> None:
        """Open this process's ear with `listen` when the first request is held: after the fork, and never in vain."""
        self._listen = listen
        self._limit = limit
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self.is_stopping = False
        self.held = 0

    def hold(self, prompt_id: str, look: Callable[[], Seen], is_enough: Callable[[Seen], bool], held: Held) -> Seen:
        """Look until it is enough, its time is over, nobody waits, or the process is to stop; what was seen last.

        Raises TooManyStreams, and whatever `look` raises.
        """
        deadline = time.monotonic() + held.seconds
        seen = look()
        if not held.seconds or self.is_stopping or is_enough(seen):
            return seen
        with self._place(), self.ear().subscribe(prompt_id) as subscription:
            seen = look()  # once more: what came before the subscription was not heard
            while not (is_enough(seen) or self.is_stopping) and (left := deadline - time.monotonic()) > 0:
                if held.by.is_gone:
                    break
                notes = subscription.wait(min(left, LOOK_EVERY))
                if not notes or any(isinstance(note, Changed) for note in notes):
                    seen = look()
        return seen

    def stop(self) -> None:
        """Let every held request answer at once, and hold no more."""
        with self._lock:
            self.is_stopping = True
            listener, self._listener = self._listener, None
        if listener:
            listener.close()  # which wakes all who wait

    def take_place(self) -> None:
        """Take one of the places that held requests and event streams share. Raises TooManyStreams."""
        with self._lock:
            if self.held >= self._limit:
                message = f"{self._limit} requests and streams are held already. Ask without wait, or try again."
                raise TooManyStreams(message)
            self.held += 1

    def give_place_back(self) -> None:
        """Let the next one have the place."""
        with self._lock:
            self.held -= 1

    def ear(self) -> Listener:
        """Give this process's ear. Raises StorageUnavailable."""
        with self._lock:
            if self._listener is None:
                self._listener = self._listen()
            return self._listener

    @contextmanager
    def _place(self) -> Iterator[None]:
        self.take_place()
        try:
            yield
        finally:
            self.give_place_back()
