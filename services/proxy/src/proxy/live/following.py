"""Following: what comes next for one reader of one or several prompts, whatever protocol it is then written in."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from promptqueue.prompt import Status

from proxy.live.cursor import START, Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from proxy.live.live_prompt import LivePrompt, Snapshot

KEEP_ALIVE_EVERY = 15.0  # seconds of silence
LONGEST_PIECE = 16_384  # code points of text in one event


@dataclass(frozen=True, slots=True)
class Moved:
    """The prompt stands elsewhere: another status, position or attempt. Whoever has read it stands at `cursor`."""

    prompt_id: str
    snapshot: Snapshot
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Said:
    """More text: that of the snapshot from `start` up to the cursor. Text of a higher attempt begins anew."""

    prompt_id: str
    snapshot: Snapshot
    cursor: Cursor
    start: int

    @property
    def text(self) -> str:
        """The new text."""
        return self.snapshot.text[self.start : self.cursor.offset]


@dataclass(frozen=True, slots=True)
class Ended:
    """The prompt is completed, and its whole text was said: nothing follows."""

    prompt_id: str
    snapshot: Snapshot
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Silence:
    """There is nothing to say, and a keep-alive is due: because it lasts, or because the client has just come back."""


Event = Moved | Said | Ended | Silence


class Following:
    """Gives, each time that there is something to say, the events that are ready, until all its prompts have ended.

    It keeps no events: what comes next follows from where the reader is and from what is known by then. So a slow
    reader gets longer pieces instead of a queue that grows, and costs the same memory as any other. Events that a
    writer leaves for later are worked out anew.
    """

    __slots__ = ("_is_ended", "_readings", "cursors", "on_close", "wake")

    def __init__(self, cursors: Mapping[str, Cursor | None]) -> None:
        """Begin at these places in prompts, None for the very beginning. `wake` is set when something may be new."""
        self.cursors = cursors
        self.on_close: list[Callable[[], None]] = []
        self.wake = threading.Event()
        self._readings: list[_Reading] = []
        self._is_ended = False

    @property
    def prompt_ids(self) -> list[str]:
        """The prompts whose ends the reader does not have yet."""
        return [prompt_id for prompt_id, cursor in self.cursors.items() if not (cursor and cursor.is_end)]

    def begin(self, prompts: Mapping[str, LivePrompt]) -> None:
        """Follow these."""
        self._readings = [_Reading(one, live, self.cursors[one]) for one, live in prompts.items()]

    def end(self) -> None:
        """Let it end now; the client goes on later from where it is."""
        self._is_ended = True
        self.wake.set()

    def close(self) -> None:
        """Be read no more."""
        while self.on_close:
            self.on_close.pop()()

    def __iter__(self) -> Iterator[Iterator[Event]]:
        while not self._is_ended:
            self.wake.clear()  # before looking: what happens from here on sets it again
            ready = self._ready()
            if first := next(ready, None):
                yield chain((first,), ready)
            elif not self._readings:
                return
            elif not self.wake.wait(KEEP_ALIVE_EVERY):
                yield iter((Silence(),))

    def _ready(self) -> Iterator[Event]:
        for reading in list(self._readings):
            while event := reading.next():
                yield event
            if reading.is_over:
                self._readings.remove(reading)


class _Reading:
    """How far the reader has come with one prompt."""

    __slots__ = ("_cursor", "_is_first", "_live", "_prompt_id", "_version", "is_over")

    def __init__(self, prompt_id: str, live: LivePrompt, cursor: Cursor | None) -> None:
        self._prompt_id = prompt_id
        self._live = live
        self._cursor = cursor or START
        self._is_first = cursor is None  # and so learns where the prompt stands, though it may be completed
        self._version = 0  # of the snapshot that was given last
        self.is_over = False

    def next(self) -> Event | None:
        """Give the next event; None when there is none now, or never again."""
        snapshot, cursor = self._live.snapshot, self._cursor
        self.is_over = self.is_over or self._live.is_deleted
        if self.is_over or snapshot is None:
            return None
        if snapshot.version != self._version and (self._is_first or not snapshot.is_over):
            is_known = self._is_known(snapshot)
            self._version, self._is_first = snapshot.version, False
            # Not nothing, or the client would not even learn that it was let in.
            return Silence() if is_known else Moved(self._prompt_id, snapshot, cursor)
        start = cursor.offset if cursor.attempt == snapshot.attempt else 0
        if cursor.attempt <= snapshot.attempt and start < len(snapshot.text):
            self._cursor = Cursor(snapshot.attempt, min(start + LONGEST_PIECE, len(snapshot.text)))
            return Said(self._prompt_id, snapshot, self._cursor, start)
        if snapshot.is_over:
            self.is_over = True
            self._cursor = cursor.at_the_end_of(snapshot.progress.prompt)
            return Ended(self._prompt_id, snapshot, self._cursor)
        return None

    def _is_known(self, snapshot: Snapshot) -> bool:
        """Whether the client knows this from before it came back: who has text of an attempt knows that it runs."""
        prompt, cursor = snapshot.progress.prompt, self._cursor
        runs = prompt.status is Status.PROCESSING and prompt.attempt == cursor.attempt
        return not self._version and runs and cursor.offset > 0
