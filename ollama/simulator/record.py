"""Every call that was seen, and what became of it; those who wait for an event are woken by it."""

import json
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KEPT = 5000  # calls; older ones are forgotten


@dataclass(kw_only=True)
class Call:
    """A generate or chat call that asks for an answer. Moments are monotonic seconds, `time` is the wall's."""

    id: int
    path: str
    body: Any
    headers: dict[str, str]
    time: float
    received: float
    loaded: float | None = None
    started: float | None = None
    """When it got its slot."""
    first_byte: float | None = None
    tokens: int = 0
    """Sent, or made where the answer is not streamed."""
    status: int | None = None
    fault: str | None = None
    ended: float | None = None
    end: str | None = None
    """`finished`, `client_closed`, `refused` (an error was answered) or `fault`."""
    created_at: str | None = None
    """What the answer's last record says of itself, noted before that record is sent."""


class Record:
    """Calls by number, from 1; other requests are counted. A `journal` gets each call at its turns, one JSON a line."""

    def __init__(self, journal: Path | None = None) -> None:
        self.changed = threading.Condition()
        # Unbuffered: what a call has come to is with the kernel before the client can know it, so a SIGKILL loses none.
        self._journal = journal.open("ab", buffering=0) if journal else None
        self._watchers = 0
        self._clear()

    def open(self, path: str, body: Any, headers: dict[str, str]) -> Call:
        """A call has come."""
        with self.changed:
            self.total += 1
            call = Call(
                id=self.total, path=path, body=body, headers=headers, time=time.time(), received=time.monotonic()
            )
            self._calls.append(call)
            self._write(call)
            self.changed.notify_all()
        return call

    def mark(self, call: Call, moment: str) -> None:
        """Now it is `loaded`, `started` or at its `first_byte`."""
        with self.changed:
            setattr(call, moment, time.monotonic())
            self.changed.notify_all()

    def token(self, call: Call) -> None:
        """One more token."""
        call.tokens += 1
        if self._watchers:
            with self.changed:
                self.changed.notify_all()

    def answers(self, call: Call, created_at: str) -> None:
        """Its last record, made at this time, is about to be sent."""
        with self.changed:
            call.created_at = created_at
            self._write(call)

    def close(self, call: Call, end: str) -> None:
        """It is over; the first word about its end counts."""
        with self.changed:
            if call.ended is None:
                call.ended, call.end = time.monotonic(), end
                self._write(call)
            self.changed.notify_all()

    def other(self, what: str) -> None:
        """A request that asks for no answer."""
        with self.changed:
            self.others[what] += 1
            self.changed.notify_all()

    def calls(self) -> list[dict[str, Any]]:
        """All that are remembered, oldest first."""
        with self.changed:
            return [asdict(call) for call in self._calls]

    def find(self, number: int) -> Call | None:
        """The call of this number."""
        with self.changed:
            return next((call for call in self._calls if call.id == number), None)

    def wait_for(self, what: str, count: int, timeout: float, number: int | None = None) -> bool:
        """Wait until so many calls are that far, or until call `number` is; for it, `tokens` counts its tokens.

        Returns:
            False when the time was over first.
        """

        def reached() -> bool:
            if number is None:
                return self.total >= count if what == "received" else sum(map(_is(what), self._calls)) >= count
            call = next((call for call in self._calls if call.id == number), None)
            if call is None:
                return False
            return call.tokens >= count if what == "tokens" else _is(what)(call)

        with self.changed:
            self._watchers += 1
            try:
                return self.changed.wait_for(reached, timeout)
            finally:
                self._watchers -= 1

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        with self.changed:
            self._clear()
            self.changed.notify_all()

    def _write(self, call: Call) -> None:
        if self._journal:
            self._journal.write(json.dumps(asdict(call)).encode() + b"\n")

    def _clear(self) -> None:
        self.total = 0
        self.others: Counter[str] = Counter()
        self._calls: deque[Call] = deque(maxlen=KEPT)


def _is(what: str) -> Any:
    return lambda call: getattr(call, what) is not None
