"""What is heard of the queue while one waits: notes, however they travel, and who hears which."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import Enum


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
