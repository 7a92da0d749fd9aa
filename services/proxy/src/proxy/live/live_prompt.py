"""A live prompt: what is known of a prompt that somebody follows, worked out once for however many read it."""

import threading
import time
from dataclasses import dataclass
from enum import IntEnum

from promptqueue.notes import Text
from promptqueue.prompt import Progress, Status


class Interest(IntEnum):
    """What wakes a reader: each member stands for itself and what stands before it."""

    END = 1
    TEXT = 2  # and whether it waits or runs
    PLACES = 3


@dataclass(slots=True, weakref_slot=True, eq=False, kw_only=True)
class Snapshot:
    """All that is known of a prompt at one moment. It never changes, so a reader on any thread may take it as it is."""

    progress: Progress
    eta: float | None
    version: int  # rises when the status, the position or the attempt is another
    attempt: int  # that `text` is of
    text: str

    @property
    def is_over(self) -> bool:
        """Whether nothing will follow: the text is whole."""
        return self.progress.prompt.status is Status.COMPLETED


class LivePrompt:
    """One prompt and the events that wake its readers. Only one thread changes it; any may add or remove a reader."""

    __slots__ = ("_ahead", "_attempt", "_text", "is_deleted", "readers", "snapshot")

    def __init__(self) -> None:
        self.readers: dict[threading.Event, Interest] = {}
        self.snapshot: Snapshot | None = None
        self.is_deleted = False
        self._attempt = 0
        self._text = ""
        self._ahead: list[Text] = []  # live text that does not continue what is known: something got lost

    @property
    def is_queued(self) -> bool:
        """Whether it stands in line, as far as is known."""
        return self.snapshot is None or self.snapshot.progress.prompt.status is Status.QUEUED

    @property
    def may_change_unheard(self) -> bool:
        """Whether it can change without a wake-up and without a move of the line."""
        if self.is_over:
            return False
        if self.snapshot is None or not self.is_queued:
            return True
        expires_at = self.snapshot.progress.prompt.expires_at
        return expires_at is not None and expires_at <= time.time()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to find out."""
        return self.is_deleted or (self.snapshot is not None and self.snapshot.is_over)

    @property
    def is_watched_in_line(self) -> bool:
        """Whether a reader wants to know of each place."""
        return any(interest is Interest.PLACES for interest in list(self.readers.values()))

    def woken_by(self, change: Interest) -> list[threading.Event]:
        """Give the events of the readers whom such a change is to wake."""
        return [reader for reader, interest in list(self.readers.items()) if interest >= change]

    def change_since(self, before: Snapshot | None) -> Interest:
        """Say what is another now that something is."""
        if self.is_over:
            return Interest.END
        if before is None or self.snapshot is None or _in_hand(before) != _in_hand(self.snapshot):
            return Interest.TEXT
        return Interest.PLACES

    def hear(self, live: Text) -> bool:
        """Take in live text; whether the database must be read before readers can have it.

        It must when the text does not continue what is known, and when it is of an attempt that is not known yet. Only
        the first piece after a gap says so: the next ones wait with it until the missing text has been written.
        """
        if self.is_over:
            return False
        had_gap = bool(self._ahead)
        self._ahead.append(live)
        self._join()
        if self.snapshot is None or self._attempt > self.snapshot.progress.prompt.attempt:
            return True
        if (self._attempt, len(self._text)) != (self.snapshot.attempt, len(self.snapshot.text)):
            self._take_snapshot(self.snapshot.progress, self.snapshot.eta, self.snapshot.version)
        return bool(self._ahead) and not had_gap

    def lacks_text(self, progress: Progress) -> bool:
        """Whether the database has text that is not known here."""
        stored, known = (progress.text_attempt, progress.text_length), (self._attempt, len(self._text))
        return progress.prompt.status is Status.COMPLETED or stored > known

    def read(self, stored: Text) -> None:
        """Take in the text that the database has; what was heard live may go beyond it."""
        if (stored.attempt, len(stored.text)) > (self._attempt, len(self._text)):
            self._attempt, self._text = stored.attempt, stored.text
        self._join()

    def look(self, progress: Progress, eta: float | None) -> bool:
        """Take in where the prompt stands; whether its readers have something new to learn."""
        before = self.snapshot
        version = before.version if before else 0
        if before is None or _visible(progress) != _visible(before.progress):
            version += 1
        self._take_snapshot(progress, eta, version)
        return before is None or version != before.version or self._text != before.text

    def _take_snapshot(self, progress: Progress, eta: float | None, version: int) -> None:
        self.snapshot = Snapshot(progress=progress, eta=eta, version=version, attempt=self._attempt, text=self._text)
        if self.snapshot.is_over:
            self._ahead.clear()

    def _join(self) -> None:
        """Continue the text with what was heard, up to the first gap."""
        while self._ahead:
            piece = self._ahead[0]
            if piece.attempt > self._attempt and piece.offset == 0:
                self._attempt, self._text = piece.attempt, piece.text
            elif piece.attempt == self._attempt and piece.offset <= len(self._text):
                self._text += piece.text[len(self._text) - piece.offset :]
            elif piece.attempt >= self._attempt:
                return
            del self._ahead[0]


def _in_hand(snapshot: Snapshot) -> tuple[object, ...]:
    """Give all that is told of a prompt but its place."""
    prompt = snapshot.progress.prompt
    return (prompt.status, prompt.attempt, snapshot.attempt, len(snapshot.text))


def _visible(progress: Progress) -> tuple[object, ...]:
    return (progress.prompt.status, progress.prompt.attempt, progress.position)
