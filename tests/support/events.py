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
    """Reads events in a thread, until they end or the test closes what they come from."""

    def __init__(self, events: Iterable[Event], close: Callable[[], None] = lambda: None) -> None:
        self.events: list[Event] = []
        self.close = close
        self._thread = threading.Thread(target=self._read, args=[events], daemon=True)
        self._thread.start()

    def _read(self, events: Iterable[Event]) -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):  # closed by the test
            for event in events:
                self.events.append(event)

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

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in list(self.events) if event.kind == kind]

    def end(self, within: float = DEADLINE) -> list[Event]:
        """Wait until the stream has ended; all its events."""
        self._thread.join(within)
        assert self.is_over, f"still open after {self.events}"
        return self.events
