"""Server-sent events, as a client reads them."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.waiting import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event, and when it was here (seconds of the monotonic clock)."""

    id: str
    kind: str
    data: Any
    at: float


def events_in(lines: Iterable[bytes]) -> Iterator[Event]:
    """Take a stream apart as it comes. A comment is an event of the kind `comment`; every other one has an id."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name or value or line.startswith(b":"):
            fields[name] = value.removeprefix(" ")
        elif fields:
            if set(fields) == {""}:
                yield Event(id="", kind="comment", data=None, at=time.monotonic())
            else:
                data = json.loads(fields["data"])
                yield Event(id=fields["id"], kind=fields["event"], data=data, at=time.monotonic())
            fields = {}


def text_of(events: Iterable[Event], prompt_id: str | None = None) -> str:
    """Put a prompt's text together as a client does: a higher attempt starts anew."""
    attempt, text = 0, ""
    for event in events:
        if event.kind == "token" and event.data.get("id") == prompt_id:
            assert event.data["attempt"] >= attempt
            text = (text if event.data["attempt"] == attempt else "") + event.data["text"]
            attempt = event.data["attempt"]
    return text


class Follower:
    """Reads a stream in a thread, until it ends or the test closes it."""

    def __init__(self, lines: Iterable[bytes], close: Callable[[], None]) -> None:
        self.events: list[Event] = []
        self.close = close
        self._thread = threading.Thread(target=self._read, args=[lines], daemon=True)
        self._thread.start()

    def _read(self, lines: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):  # closed by the test
            for event in events_in(lines):
                self.events.append(event)

    @property
    def at(self) -> list[float]:
        return [event.at for event in self.events]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def positions(self) -> list[int | None]:
        return [event.data["position"] for event in self.events if event.kind == "status"]

    @property
    def text(self) -> str:
        return text_of(self.events)

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> list[Event]:
        """Wait until the stream has ended; all its events."""
        self._thread.join(DEADLINE)
        assert self.is_over, f"still open after {self.events}"
        return self.events
