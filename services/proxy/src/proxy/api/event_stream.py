"""A stream: the events that one client reads, of one prompt or of several."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from promptqueue.prompt import Status

from proxy.live.cursor import START, Cursor, named, write_several

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from proxy.live.live_prompt import LivePrompt, Snapshot
    from proxy.serving.connection import Connection

COMMENT_EVERY = 15.0  # seconds of silence
LONGEST_TOKEN = 16_384  # code points of text in one event
LONGEST_CHUNK = 65_536  # bytes, after which no more events are added before these are sent

COMMENT = b":\n\n"


class Reading:
    """How far a stream has come with one prompt."""

    __slots__ = ("bookmark", "feed", "is_first", "prompt_id", "version")

    def __init__(self, prompt_id: str, bookmark: Cursor | None) -> None:
        self.prompt_id = prompt_id
        self.feed: LivePrompt  # given when the stream is opened
        self.bookmark = bookmark or START
        self.is_first = bookmark is None  # and so is told where the prompt stands, though it may be over
        self.version = 0  # of the status that was told

    def has_been_told(self, told: Snapshot) -> bool:
        """Whether the client knows this from before it came back: who has text of an attempt knows that it runs."""
        prompt, bookmark = told.standing.prompt, self.bookmark
        runs = prompt.status is Status.PROCESSING and prompt.attempt == bookmark.attempt
        return not self.version and runs and bookmark.offset > 0


class EventStream:
    """An iterable of bytes for the server, which closes it.

    It keeps no events: what is to be told follows from where the reader is and from what its feeds know by then. So a
    slow reader gets longer pieces instead of a queue that grows, and costs the same memory as any other.
    """

    __slots__ = ("_bell", "_is_ended", "_is_one", "_named", "connection", "on_close", "readings")

    def __init__(self, readings: Mapping[str, Cursor | None], *, is_one: bool, connection: Connection) -> None:
        """Tell of these prompts, each from its bookmark on; `is_one` says that ids and data name no prompt."""
        self.readings = [
            Reading(prompt_id, bookmark) for prompt_id, bookmark in readings.items() if not (bookmark or START).is_end
        ]
        self.on_close: list[Callable[[], None]] = []
        self._named = {one: named(one, bookmark) for one, bookmark in readings.items() if bookmark}
        self._is_one = is_one
        self.connection = connection
        self._bell = threading.Event()
        self._is_ended = False

    def ring(self) -> None:
        """Say that there may be something to tell."""
        self._bell.set()

    def end(self) -> None:
        """Let it end now; the client goes on later from where it is."""
        self._is_ended = True
        self._bell.set()

    def close(self) -> None:
        """Be read no more: leave the feeds and give the place back."""
        while self.on_close:
            self.on_close.pop()()

    def __iter__(self) -> Iterator[bytes]:
        while not self._is_ended:
            self._bell.clear()  # before looking: what happens from here on rings again
            if chunk := self._chunk():
                yield chunk
            elif not self.readings:
                return
            elif not self._bell.wait(COMMENT_EVERY):
                yield COMMENT

    def _chunk(self) -> bytes:
        events, size = [], 0
        for reading in list(self.readings):
            while size < LONGEST_CHUNK and (event := self._next(reading)):
                events.append(event)
                size += len(event)
        return b"".join(events)

    def _next(self, reading: Reading) -> bytes | None:
        """Give the next event of this prompt; None when there is none now, or never again."""
        told, bookmark = reading.feed.told, reading.bookmark
        if reading.feed.is_gone:
            self.readings.remove(reading)
            return None
        if told is None or bookmark.is_end:
            return None
        if told.version != reading.version and (reading.is_first or not told.is_over):
            is_known = reading.has_been_told(told)
            reading.version = told.version
            reading.is_first = False
            # A comment, or the client would not even learn that it was let in.
            return COMMENT if is_known else self._event(b"status", reading, bookmark, told.status())
        start = bookmark.offset if bookmark.attempt == told.attempt else 0
        if bookmark.attempt <= told.attempt and start < len(told.text):
            end = min(start + LONGEST_TOKEN, len(told.text))
            return self._event(b"token", reading, Cursor(told.attempt, end), told.token(start, end))
        if told.is_over:
            self.readings.remove(reading)
            return self._event(b"completed", reading, bookmark.at_the_end_of(told.standing.prompt), told.status())
        return None

    def _event(self, kind: bytes, reading: Reading, bookmark: Cursor, data: bytes) -> bytes:
        """Write an event; whoever has read it stands at `bookmark`. JSON breaks no line, so the data is one."""
        reading.bookmark = bookmark
        if self._is_one:
            event_id = str(bookmark)
        else:
            if bookmark != START:
                self._named[reading.prompt_id] = named(reading.prompt_id, bookmark)
            event_id = write_several(self._named.values())
            if kind == b"token":
                data = b'{"id":"%b",%b' % (reading.prompt_id.encode(), data[1:])
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), kind, data)
