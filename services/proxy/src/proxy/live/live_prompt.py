"""A feed: what there is to tell of one prompt, worked out once for however many read it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from promptqueue.prompt import Status
from promptqueue.wire import prompt_status
from pydantic_core import to_json

if TYPE_CHECKING:
    from promptqueue.notes import Text
    from promptqueue.prompt import Progress

    from proxy.api.event_stream import EventStream


class Snapshot:
    """All that can be told of a prompt at one moment.

    It never changes, so a reader on any thread may take it as it is; what is told to many is written as JSON once.
    `version` rises when the status, the position or the attempt is another.
    """

    __slots__ = ("_status", "_tokens", "attempt", "eta", "standing", "text", "version")

    def __init__(self, *, standing: Progress, eta: float | None, version: int, attempt: int, text: str) -> None:
        self.standing = standing
        self.eta = eta
        self.version = version
        self.attempt = attempt  # whose text it is
        self.text = text
        self._status: bytes | None = None
        self._tokens: dict[tuple[int, int], bytes] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will follow: the text is whole."""
        return self.standing.prompt.status is Status.COMPLETED

    def status(self) -> bytes:
        """Give the status body."""
        if self._status is None:
            self._status = to_json(prompt_status(self.standing.prompt, self.standing.position, self.eta))
        return self._status

    def token(self, start: int, end: int) -> bytes:
        """Give the text from `start` to `end`."""
        if self._tokens is None:
            self._tokens = {}
        if (start, end) not in self._tokens:
            self._tokens[start, end] = to_json({"attempt": self.attempt, "text": self.text[start:end]})
        return self._tokens[start, end]


class LivePrompt:
    """One prompt and those who read it. Changed by the thread of `LivePrompts` alone, but for the readers."""

    __slots__ = ("_ahead", "_attempt", "_text", "is_gone", "readers", "told")

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.readers: list[EventStream] = []
        self.told: Snapshot | None = None
        self.is_gone = False  # deleted
        self._attempt = 0
        self._text = ""
        self._ahead: list[Text] = []  # live text that does not continue what is known: something got lost

    @property
    def is_queued(self) -> bool:
        """Whether it stands in line, as far as is known."""
        return self.told is None or self.told.standing.prompt.status is Status.QUEUED

    @property
    def may_change_unheard(self) -> bool:
        """Whether time alone can change where it stands, or the line's moves would not tell."""
        if self.is_over:
            return False
        if self.told is None or not self.is_queued:
            return True
        expires_at = self.told.standing.prompt.expires_at
        return expires_at is not None and expires_at <= time.time()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to find out."""
        return self.is_gone or (self.told is not None and self.told.is_over)

    def hear(self, live: Text) -> bool:
        """Take live text in; whether the database must be looked at before it can be told.

        That is so when it does not continue what is known (but the first such piece alone says so: the others wait with
        it until the missing text has been written), and when it is of an attempt that is not known yet.
        """
        if self.is_over:
            return False
        had_gap = bool(self._ahead)
        self._ahead.append(live)
        self._join()
        if self.told is None or self._attempt > self.told.standing.prompt.attempt:
            return True
        if (self._attempt, len(self._text)) != (self.told.attempt, len(self.told.text)):
            self._tell(self.told.standing, self.told.eta, self.told.version)
        return bool(self._ahead) and not had_gap

    def lacks_text(self, standing: Progress) -> bool:
        """Tell whether the database has text that is not known here."""
        stored, known = (standing.text_attempt, standing.text_length), (self._attempt, len(self._text))
        return standing.prompt.status is Status.COMPLETED or stored > known

    def read(self, stored: Text) -> None:
        """Take in the text that the database has; what was heard live may go beyond it."""
        if (stored.attempt, len(stored.text)) > (self._attempt, len(self._text)):
            self._attempt, self._text = stored.attempt, stored.text
        self._join()

    def look(self, standing: Progress, eta: float | None) -> bool:
        """Take in where the prompt stands; whether there is something new to tell."""
        before = self.told
        version = before.version if before else 0
        if before is None or _announced(standing) != _announced(before.standing):
            version += 1
        self._tell(standing, eta, version)
        return before is None or version != before.version or self._text != before.text

    def _tell(self, standing: Progress, eta: float | None, version: int) -> None:
        self.told = Snapshot(standing=standing, eta=eta, version=version, attempt=self._attempt, text=self._text)
        if self.told.is_over:
            self._ahead.clear()

    def _join(self) -> None:
        """Continue the text with what was heard, as far as nothing is missing."""
        while self._ahead:
            piece = self._ahead[0]
            if piece.attempt > self._attempt and piece.offset == 0:
                self._attempt, self._text = piece.attempt, piece.text
            elif piece.attempt == self._attempt and piece.offset <= len(self._text):
                self._text += piece.text[len(self._text) - piece.offset :]
            elif piece.attempt >= self._attempt:
                return
            del self._ahead[0]


def _announced(standing: Progress) -> tuple[object, ...]:
    return (standing.prompt.status, standing.prompt.attempt, standing.position)
