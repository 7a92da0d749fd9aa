"""Greenlets or plain threads: all that differs between the two worlds that this process may live in.

Under Gunicorn's gevent workers a request is a greenlet, and whatever blocks its thread stops all others. Under
`python -m proxy` a request is a thread. The rest of the proxy does not know which.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Found = TypeVar("Found")

LONGEST_GATHERING = 0.02  # seconds


class Bell(Protocol):
    """What one request waits for: rung once, heard for ever."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it was rung, at most `timeout` seconds; whether it was."""
        ...

    def set(self) -> None:
        """Ring it, in the world that waits."""
        ...


class Threads:
    """Requests are threads, and blocking one blocks no other."""

    blocks_others = False

    def start(self, run: Callable[[], None]) -> None:
        """Run this on a native thread for as long as the process lives."""
        threading.Thread(target=run, name="writer", daemon=True).start()

    def inbox(self) -> Any:
        """Make a queue from requests to a native thread: `put`, `get`, `get_nowait`."""
        return queue.SimpleQueue()

    def ticket(self) -> Any:
        """Make a lock that is only ever tried: `acquire(blocking=False)` is true for exactly one who asks."""
        return threading.Lock()

    def bell(self) -> Bell:
        """Make a bell for a request to wait for."""
        return threading.Event()

    def ring(self, bells: Iterable[Bell]) -> None:
        """Ring all of these from a native thread."""
        for bell in bells:
            bell.set()

    def apart(self, run: Callable[[], Found]) -> Found:
        """Run something that may block, without stopping other requests; what it returned or raised."""
        return run()


class Greenlets:
    """Requests are greenlets of one thread, gevent's hub. Native threads are those that gevent's patches hide."""

    blocks_others = True

    def __init__(self) -> None:
        """Belong to the hub of the calling thread."""
        import gevent  # noqa: PLC0415 (only where gevent is in use)
        from gevent import event, monkey  # noqa: PLC0415

        self._hub = gevent.get_hub()
        self._event = event.Event
        self._start = monkey.get_original("_thread", "start_new_thread")
        self._lock = monkey.get_original("_thread", "allocate_lock")
        self._queue = monkey.get_original("queue", "SimpleQueue")
        self._rung: deque[Iterable[Bell]] = deque()
        self._wakes = self._hub.loop.async_(ref=False)
        self._wakes.start(self._ring_here)

    def start(self, run: Callable[[], None]) -> None:
        """Run this on a native thread for as long as the process lives."""
        self._start(run, ())

    def inbox(self) -> Any:
        """Make a queue from requests to a native thread: `put`, `get`, `get_nowait`."""
        return _Gathering(self._queue(), self._hub.loop)

    def ticket(self) -> Any:
        """Make a lock that is only ever tried: `acquire(blocking=False)` is true for exactly one who asks."""
        return self._lock()

    def bell(self) -> Bell:
        """Make a bell for a request to wait for."""
        bell: Bell = self._event()
        return bell

    def ring(self, bells: Iterable[Bell]) -> None:
        """Ring all of these from a native thread, waking the hub once (`ev_async_send` may be called by any thread)."""
        self._rung.append(bells)
        self._wakes.send()

    def apart(self, run: Callable[[], Found]) -> Found:
        """Run something that may block, without stopping other requests; what it returned or raised."""
        found: Found = self._hub.threadpool.apply(run)
        return found

    def _ring_here(self) -> None:
        while self._rung:
            for bell in self._rung.popleft():
                bell.set()


class _Gathering:
    """A queue to a native thread that gives when the hub has nothing else to do, or `LONGEST_GATHERING` later.

    A thread that got each request at once would take it alone, and fight with the busy hub for Python's lock.
    """

    def __init__(self, queue: Any, loop: Any) -> None:
        self._queue = queue
        self._gathered: list[Any] = []
        self._since = 0.0
        self._idle = loop.idle()
        self.get = queue.get
        self.get_nowait = queue.get_nowait

    def put(self, one: Any) -> None:
        """Give one from the hub's thread."""
        now = time.monotonic()
        if not self._gathered:
            self._since = now
            self._idle.start(self._give)
        self._gathered.append(one)
        if now > self._since + LONGEST_GATHERING:
            self._give()

    def _give(self) -> None:
        self._idle.stop()
        gathered, self._gathered = self._gathered, []
        for one in gathered:
            self._queue.put(one)


def current() -> Threads | Greenlets:
    """Tell the world of this process: greenlets where gevent has taken the place of threads."""
    monkey = sys.modules.get("gevent.monkey")
    return Greenlets() if monkey and monkey.is_module_patched("threading") else Threads()
