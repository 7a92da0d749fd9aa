"""Following: what comes next for one reader of one or several prompts, whatever protocol it is then written in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from promptqueue.prompt import Status

from proxy.live.cursor import START, Cursor
from proxy.live.live_prompt import Interest, LivePrompt, Snapshot
from proxy.live.places import GiveBack
from proxy.serving.connection import Connection

KEEP_ALIVE_EVERY = 15.0  # seconds of silence
LONGEST_PIECE = 16_384  # code points of text in one event


@dataclass(frozen=True, slots=True)
class _Step:
    """What a reader learns of a prompt from a snapshot. Whoever has read it stands at `cursor`."""

    prompt_id: str
    snapshot: Snapshot
    cursor: Cursor


class Moved(_Step):
    """The prompt stands elsewhere: another status, position or attempt."""


@dataclass(frozen=True, slots=True)
class Said(_Step):
    """More text: that of the snapshot from `start` up to the cursor. Text of a higher attempt begins anew."""

    start: int

    @property
    def text(self) -> str:
        """The new text."""
        return self.snapshot.text[self.start : self.cursor.offset]


class Ended(_Step):
    """The prompt is completed, and its whole text was said: nothing follows."""


@dataclass(frozen=True, slots=True)
class Silence:
    """There is nothing to say, and a keep-alive is due: because it lasts, or because the client has just come back."""


Event = Moved | Said | Ended | Silence


class Following:
    """What one reader has ahead of it: it waits for the next events, until all its prompts have ended.

    It keeps no events: what comes next follows from where the reader is and from what is known by then. So a slow
    reader gets longer pieces instead of a queue that grows. Events that a writer leaves for later are worked out anew.
    """

    __slots__ = ("_is_ended", "_on_close", "_ready", "connection", "give_back", "interest", "readings", "wake")

    def __init__(
        self,
        cursors: Mapping[str, Cursor | None],
        connection: Connection,
        on_close: Callable[[Following], None],
        *,
        interest: Interest = Interest.PLACES,
    ) -> None:
        """Begin at these places in prompts, None for the very beginning. `wake` is set when something may be new.

        What lies beyond its `interest` it learns together with what does not, or when a time is over.
        """
        self.readings = [Reading(prompt_id, cursor) for prompt_id, cursor in cursors.items()]
        self.connection = connection
        self.give_back: GiveBack | None = None  # its place, if it has one
        self.interest = interest
        self.wake = threading.Event()
        self._on_close = on_close
        self._ready: Iterator[Event] | None = None
        self._is_ended = False

    @property
    def is_over(self) -> bool:
        """Whether the reader has the end of every prompt."""
        return all(reading.is_over for reading in self.readings)

    def end(self) -> None:
        """Let it end now; the client goes on later from where it is."""
        self._is_ended = True
        self.wake.set()

    def close(self) -> None:
        """Be read no more."""
        self._on_close(self)

    def next(self, within: float | None = None) -> Iterator[Event] | None:
        """Wait until there is something to say, and give the events that are ready; None once nothing will follow.

        After `within` seconds, or the usual ones, that is a Silence.
        """
        self.wait(KEEP_ALIVE_EVERY if within is None else within)
        ready, self._ready = self._ready, None
        return ready

    def wait(self, within: float) -> None:
        """Wait until `next` has something to give, for so many seconds at most."""
        until = time.monotonic() + within
        while self._ready is None and not self._is_ended:
            self.wake.clear()  # before looking: what happens from here on sets it again
            self._ready = self._look()
            if self._ready or self.is_over:
                return
            if not self.wake.wait(max(0.0, until - time.monotonic())):
                self._ready = self._look() or iter((Silence(),))  # it was not woken for what is beyond its interest

    def _look(self) -> Iterator[Event] | None:
        events = self._events()
        first = next(events, None)
        return chain((first,), events) if first else None

    def _events(self) -> Iterator[Event]:
        for reading in self.readings:
            while event := reading.next():
                yield event


class Reading:
    """How far a reader has come with one prompt."""

    __slots__ = ("_is_first", "_version", "cursor", "is_over", "live", "prompt_id")

    def __init__(self, prompt_id: str, cursor: Cursor | None) -> None:
        self.prompt_id = prompt_id
        self.live: LivePrompt | None = None
        self.cursor = cursor or START
        self.is_over = self.cursor.is_end
        self._is_first = cursor is None  # and so learns where the prompt stands, though it may be completed
        self._version = 0  # of the snapshot that was given last

    def next(self) -> Event | None:
        """Give the next event; None when there is none now, or never again."""
        if self.is_over or self.live is None:
            return None
        snapshot, cursor = self.live.snapshot, self.cursor
        self.is_over = self.live.is_deleted
        if self.is_over or snapshot is None:
            return None
        if snapshot.version != self._version and (self._is_first or not snapshot.is_over):
            is_known = self._is_known(snapshot)
            self._version, self._is_first = snapshot.version, False
            # Not nothing, or the client would not even learn that it was let in.
            return Silence() if is_known else Moved(self.prompt_id, snapshot, cursor)
        start = cursor.offset if cursor.attempt == snapshot.attempt else 0
        if cursor.attempt <= snapshot.attempt and start < len(snapshot.text):
            self.cursor = Cursor(snapshot.attempt, min(start + LONGEST_PIECE, len(snapshot.text)))
            return Said(self.prompt_id, snapshot, self.cursor, start)
        if snapshot.is_over:
            self.is_over = True
            self.cursor = cursor.at_the_end_of(snapshot.progress.prompt)
            return Ended(self.prompt_id, snapshot, self.cursor)
        return None

    def _is_known(self, snapshot: Snapshot) -> bool:
        """Whether the client knows this from before it came back: who has text of an attempt knows that it runs."""
        prompt, cursor = snapshot.progress.prompt, self.cursor
        runs = prompt.status is Status.PROCESSING and prompt.attempt == cursor.attempt
        return not self._version and runs and cursor.offset > 0
