"""An event stream: what comes next for a reader, as server-sent events in our own format."""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from promptqueue.wire import prompt_status
from pydantic_core import to_json

from proxy.api.event_ids import write, write_part, write_several
from proxy.live.cursor import START, Cursor
from proxy.live.following import Ended, Event, Following, Moved, Said, Silence
from proxy.live.live_prompt import Snapshot

LONGEST_CHUNK = 65_536  # bytes, after which no more events are added before these are sent

COMMENT = b":\n\n"


class SnapshotJSON:
    """Snapshots as JSON, each written once for however many read it, and kept for as long as somebody may."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Snapshot, dict[tuple[int, int] | None, bytes]] = WeakKeyDictionary()

    def status(self, snapshot: Snapshot) -> bytes:
        """Give the status body."""
        kept = self._kept.setdefault(snapshot, {})
        if None not in kept:
            progress = snapshot.progress
            kept[None] = to_json(prompt_status(progress.prompt, progress.position, snapshot.eta))
        return kept[None]

    def token(self, snapshot: Snapshot, start: int, end: int) -> bytes:
        """Give the text from `start` to `end`."""
        kept = self._kept.setdefault(snapshot, {})
        if (start, end) not in kept:
            kept[start, end] = to_json({"attempt": snapshot.attempt, "text": snapshot.text[start:end]})
        return kept[start, end]


class EventStream:
    """An iterable of bytes for the server, which closes it."""

    __slots__ = ("_following", "_is_one", "_parts", "_snapshots")

    def __init__(self, following: Following, snapshots: SnapshotJSON, *, is_one: bool) -> None:
        """Write what `following` gives; `is_one` says that ids and data name no prompt."""
        self._following = following
        self._snapshots = snapshots
        self._is_one = is_one
        begun = [reading for reading in following.readings if reading.cursor != START]
        self._parts = {reading.prompt_id: write_part(reading.prompt_id, reading.cursor) for reading in begun}

    def close(self) -> None:
        """Be read no more."""
        self._following.close()

    def __iter__(self) -> Iterator[bytes]:
        while events := self._following.next():
            yield self._chunk(events)

    def _chunk(self, events: Iterator[Event]) -> bytes:
        written, size = [], 0
        for event in events:
            written.append(self._write(event))
            size += len(written[-1])
            if size >= LONGEST_CHUNK:
                break
        return b"".join(written)

    def _write(self, event: Event) -> bytes:
        match event:
            case Silence():
                return COMMENT
            case Moved(prompt_id, snapshot, cursor):
                return self._event(b"status", prompt_id, cursor, self._snapshots.status(snapshot))
            case Said(prompt_id, snapshot, cursor, start):
                data = self._snapshots.token(snapshot, start, cursor.offset)
                if not self._is_one:
                    data = b'{"id":"%b",%b' % (prompt_id.encode(), data[1:])
                return self._event(b"token", prompt_id, cursor, data)
            case Ended(prompt_id, snapshot, cursor):
                return self._event(b"completed", prompt_id, cursor, self._snapshots.status(snapshot))

    def _event(self, kind: bytes, prompt_id: str, cursor: Cursor, data: bytes) -> bytes:
        """Write an event; whoever has read it stands at `cursor`. JSON breaks no line, so the data is one."""
        if self._is_one:
            event_id = write(cursor)
        else:
            if cursor != START:
                self._parts[prompt_id] = write_part(prompt_id, cursor)
            event_id = write_several(self._parts.values())
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), kind, data)
