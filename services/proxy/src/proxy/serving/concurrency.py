"""Greenlets or plain threads: all that differs between the two worlds that this process may live in.

Under Gunicorn's gevent workers a request is a greenlet, and whatever blocks its thread stops all others. Under
`python -m proxy` a request is a thread. The rest of the proxy does not know which.
"""

from __future__ import annotations

import gc
import queue
import select
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Found = TypeVar("Found")

LONGEST_GATHERING = 0.02  # seconds
REST_EACH = 0.000_3  # seconds; a submission takes a quarter of that in SQLite on a quiet machine
LONGEST_REST = 0.02  # seconds
POLITE = 0.000_5  # seconds that a thread keeps the lock when another one wants it, a tenth of what Python gives it


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

    def __init__(self) -> None:
        """Let one thread at a time do what takes long."""
        self._alone = threading.Lock()

    def start(self, run: Callable[[], None]) -> None:
        """Run this on a native thread for as long as the process lives."""
        threading.Thread(target=run, name="writer", daemon=True).start()

    def is_here(self) -> bool:
        """Whether the caller is where requests run."""
        return True

    def inbox(self) -> Any:
        """Make a queue to a native thread: `put`, `get`, `get_nowait`, the last of which raises queue.Empty."""
        return queue.SimpleQueue()

    def hand(self, inbox: Any, things: list[Any]) -> None:
        """Give things to the native thread that reads this queue."""
        inbox.put(things)

    def go_on(self) -> None:
        """Say, on the native thread, that what it was given is done but for the disk; here nobody rests."""

    def gathering(self, give: Callable[[list[Any]], None]) -> Immediate:
        """Make what gathers things and gives them on together; here there is nothing to wait for."""
        return Immediate(give)

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

    def epoll(self) -> Any:
        """Make a `select.epoll`; None where the system has none."""
        return select.epoll() if hasattr(select, "epoll") else None

    def apart(self, run: Callable[[], Found]) -> Found:
        """Run something that may block, without stopping other requests; what it returned or raised."""
        return run()

    def alone(self, run: Callable[[], Found]) -> Found:
        """Run something that takes long, after all others that do; what it returned or raised."""
        with self._alone:
            return run()


class Greenlets:
    """Requests are greenlets of one thread, gevent's hub. Native threads are those that gevent's patches hide."""

    blocks_others = True

    def __init__(self) -> None:
        """Belong to the hub of the calling thread."""
        import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 (only where gevent is in use)
        from gevent import event, monkey, threadpool  # noqa: PLC0415

        self._hub = gevent.get_hub()
        self._event = event.Event
        self._start = monkey.get_original("_thread", "start_new_thread")
        self._lock = monkey.get_original("_thread", "allocate_lock")
        self._thread = monkey.get_original("_thread", "get_ident")
        self._home = self._thread()
        self._queue = monkey.get_original("queue", "SimpleQueue")
        self._epoll = monkey.saved.get("select", {}).get("epoll")
        self._rest = self._lock()
        self._one = threadpool.ThreadPool(1, hub=self._hub)
        self._rung: deque[Iterable[Bell]] = deque()
        self._wakes = self._hub.loop.async_(ref=False)
        self._wakes.start(self._ring_here)

    def start(self, run: Callable[[], None]) -> None:
        """Run this on a native thread for as long as the process lives."""
        self._start(run, ())

    def is_here(self) -> bool:
        """Whether the caller is where requests run."""
        here: bool = self._thread() == self._home
        return here

    def inbox(self) -> Any:
        """Make a queue to a native thread: `put`, `get`, `get_nowait`, the last of which raises queue.Empty."""
        return self._queue()

    def hand(self, inbox: Any, things: list[Any]) -> None:
        """Give things to the native thread that reads this queue, and rest until it lets this one `go_on`.

        Both would fight for Python's lock, at every statement of SQL and every read of a socket, which costs a tenth of
        all submissions. A thread that waits for its turn at the database is not waited for: the rest has a bound.
        """
        self._rest.acquire(blocking=False)
        inbox.put(things)
        self._rest.acquire(timeout=min(LONGEST_REST, REST_EACH * (2 + len(things))))

    def go_on(self) -> None:
        """Say, on the native thread, that what it was given is done but for the disk."""
        if self._rest.locked():
            self._rest.release()

    def gathering(self, give: Callable[[list[Any]], None]) -> Batcher:
        """Make what gathers things and gives them on together, when the hub has nothing else to do."""
        return Batcher(give, self._hub.loop)

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

    def epoll(self) -> Any:
        """Make a `select.epoll`, which gevent's patches hide; None where the system has none."""
        return self._epoll() if self._epoll else None

    def apart(self, run: Callable[[], Found]) -> Found:
        """Run something that may block, without stopping other requests; what it returned or raised."""
        return self._on(self._hub.threadpool, run)

    def alone(self, run: Callable[[], Found]) -> Found:
        """Run something that takes long, apart and after all others that do; what it returned or raised.

        Only one of them shares Python's lock with the hub then, however many there are, and hands it over at once.
        """

        def politely() -> Found:
            before = sys.getswitchinterval()
            sys.setswitchinterval(POLITE)
            gc.disable()  # it would look through all that the process has, and nobody else's turn comes meanwhile
            try:
                return run()
            finally:
                gc.enable()
                sys.setswitchinterval(before)

        return self._on(self._one, politely)

    def _on(self, pool: Any, run: Callable[[], Found]) -> Found:
        found: list[Found] = []

        def attempt() -> Exception | None:
            try:
                found.append(run())
            except Exception as error:  # noqa: BLE001 (gevent's pool would print what it can also hand on)
                return error
            return None

        if error := pool.apply(attempt):
            raise error
        return found[0]

    def _ring_here(self) -> None:
        while self._rung:
            for bell in self._rung.popleft():
                bell.set()


class Immediate:
    """Gathers nothing: gives each on at once."""

    def __init__(self, give: Callable[[list[Any]], None]) -> None:
        self._give = give

    def put(self, one: Any) -> None:
        """Give one on."""
        self._give([one])

    def give(self) -> None:
        """Give on what is left, which is nothing."""


class Batcher:
    """Gathers things on the hub's thread, and gives them on when the hub has nothing else to do, or after a while.

    A thread that was given each request at once would take it alone, and fight with the busy hub for Python's lock.
    """

    def __init__(self, give: Callable[[list[Any]], None], loop: Any) -> None:
        self._give = give
        self._gathered: list[Any] = []
        self._idle = loop.idle(ref=False)
        self._late = loop.timer(0.0, LONGEST_GATHERING, ref=False)

    def put(self, one: Any) -> None:
        """Gather one more."""
        if not self._gathered:
            self._idle.start(self.give)
            self._late.again(self.give, update=False)  # a client that never pauses would keep the hub from being idle
        self._gathered.append(one)

    def give(self) -> None:
        """Give on what was gathered."""
        self._idle.stop()
        self._late.stop()
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._give(gathered)


def current() -> Threads | Greenlets:
    """Tell the world of this process: greenlets where gevent has taken the place of threads."""
    monkey = sys.modules.get("gevent.monkey")
    return Greenlets() if monkey and monkey.is_module_patched("threading") else Threads()
