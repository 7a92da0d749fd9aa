"""Followers: clients that read a stream of events as it comes."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from waiting import DEADLINE


@dataclass(frozen=True)
class Event:
    id: str
    kind: str
    data: dict[str, Any]


def events_in(lines):
    """Take server-sent events apart as they come; a comment is an event without an id."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif fields:
            is_comment = set(fields) == {":"}
            yield (
                Event("", "comment", {})
                if is_comment
                else Event(fields["id"], fields["event"], json.loads(fields["data"]))
            )
            fields = {}


def told(events, prompt_id=None):
    """Put the text together that these events tell, as a client does: a higher attempt starts anew."""
    attempt, text = 0, ""
    for event in events:
        if event.kind == "token" and event.data.get("id") == prompt_id:
            assert event.data["attempt"] >= attempt
            text = (text if event.data["attempt"] == attempt else "") + event.data["text"]
            attempt = event.data["attempt"]
    return text


class Follower:
    """Reads a stream of events in a thread, as they come."""

    def __init__(self, lines, close=lambda: None):
        self.events: list[Event] = []
        self.at: list[float] = []
        self.close = close
        self._thread = threading.Thread(target=self._read, args=[lines], daemon=True)
        self._thread.start()

    def _read(self, lines):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):  # closed by the test
            for event in events_in(lines):
                self.events.append(event)
                self.at.append(time.monotonic())

    @property
    def kinds(self):
        return [event.kind for event in self.events]

    @property
    def positions(self):
        return [event.data["position"] for event in self.events if event.kind == "status"]

    @property
    def text(self):
        return told(self.events)

    @property
    def is_over(self):
        return not self._thread.is_alive()

    def end(self):
        """Wait until the stream has ended; all its events."""
        self._thread.join(DEADLINE)
        assert self.is_over, f"still open after {self.events}"
        return self.events
