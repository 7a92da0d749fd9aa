"""What is heard of the queue while one waits: notes, however they travel, and who hears which."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True)
class Changed:
    """Something was committed about this prompt; None stands for more prompts than a datagram names."""

    prompt_id: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """More of this prompt's text is in the database, and nothing else was committed about it."""

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
    """What a subscription hears that is not about one prompt."""

    CHANGES = "changes"  # of every prompt, but neither its text nor that text was written
    EVERYTHING = "everything"


class Subscription:
    """What one reader hears of, in order."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._notes: deque[Note] = deque()
        self._heard = threading.Event()

    def wait(self, timeout: float) -> list[Note]:
        """Wait until something is heard, at most `timeout` seconds; all that was heard, or nothing when time is up."""
        self._heard.wait(timeout)
        self._heard.clear()
        notes = []
        while self._notes:
            notes.append(self._notes.popleft())
        return notes

    def put(self, note: Note) -> None:
        """Let the reader hear `note`."""
        self._notes.append(note)
        self._heard.set()


class Listener(Protocol):
    """What a process hears of the queue, for any number of subscriptions."""

    def subscribe(self, about: str | Scope = Scope.CHANGES) -> AbstractContextManager[Subscription]:
        """Hear of the prompt with this id, or of all as far as `about` says. Subscribe first, then look, then wait."""
        ...

    def close(self) -> None:
        """Stop listening, and wake everybody who waits."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Subscriptions:
    """Who hears of what: the part of a listener that is the same however notes travel."""

    def __init__(self) -> None:
        """Begin with nobody."""
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
                those = self._subscriptions[about]
                those.discard(subscription)
                if not those:
                    del self._subscriptions[about]

    def hand_out(self, note: Note) -> None:
        """Let everybody hear `note` whom it concerns."""
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
