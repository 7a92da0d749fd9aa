"""Notes: what a process hears about prompts while it waits, and which of its subscriptions hears what."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Changed:
    """Something was committed about this prompt; None is any prompt, where too many changed to name them."""

    prompt_id: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """More of this prompt's text is stored, and nothing else was committed about it."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """Live text of one attempt, beginning at `offset` (code points)."""

    prompt_id: str
    attempt: int
    offset: int
    text: str


Note = Changed | Written | Text


class Scope(Enum):
    """What a subscription hears that is not about a single prompt."""

    CHANGES = "changes"  # to every prompt, without live text and without Written
    EVERYTHING = "everything"


class Subscription:
    """What one reader hears, in order."""

    def __init__(self) -> None:
        self._notes: deque[Note] = deque()
        self._heard = threading.Event()

    def wait(self, timeout: float) -> list[Note]:
        """Wait for notes, at most `timeout` seconds; all that have come, none when time is up."""
        self._heard.wait(timeout)
        self._heard.clear()
        return [self._notes.popleft() for _ in range(len(self._notes))]

    def put(self, note: Note) -> None:
        """Let the reader hear `note`."""
        self._notes.append(note)
        self._heard.set()


class Listener(AbstractContextManager["Listener"], Protocol):
    """Where a process hears of the queue, with any number of subscriptions."""

    def subscribe(self, about: str | Scope = Scope.CHANGES) -> AbstractContextManager[Subscription]:
        """Subscribe to the prompt with this id, or to a scope. Subscribe first, then look, then wait."""

    def close(self) -> None:
        """Stop listening, and wake everybody who waits; the end of a `with` does it too."""


class Subscriptions:
    """Which reader hears what: the part of a listener that is the same for every storage."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: dict[str | Scope, set[Subscription]] = {}

    @contextmanager
    def subscribe(self, about: str | Scope = Scope.CHANGES) -> Iterator[Subscription]:
        """See `Listener.subscribe`."""
        subscription = Subscription()
        with self._lock:
            self._subscriptions.setdefault(about, set()).add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                about_this = self._subscriptions[about]
                about_this.discard(subscription)
                if not about_this:
                    del self._subscriptions[about]

    def hand_out(self, note: Note) -> None:
        """Give `note` to every subscription that it concerns."""
        with self._lock:
            match note:
                case Changed(None):
                    scopes = list(self._subscriptions)
                case Changed(str(prompt_id)):
                    scopes = [prompt_id, Scope.CHANGES, Scope.EVERYTHING]
                case Written(prompt_id) | Text(prompt_id):
                    scopes = [prompt_id, Scope.EVERYTHING]
            readers = [reader for scope in scopes for reader in self._subscriptions.get(scope, ())]
        for subscription in readers:
            subscription.put(note)
