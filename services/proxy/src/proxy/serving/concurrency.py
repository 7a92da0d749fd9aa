"""Greenlets or threads: all that differs between the two kinds of server that this process may be.

Under Gunicorn's gevent worker a request is a greenlet of one thread, the hub's, and whatever blocks that thread stops
all others. Under `python -m proxy` a request is a thread. gevent's patches turn the names of `threading` into its own,
so that most of the proxy need not know which it is.
"""

import _thread
import gc
import select
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

Found = TypeVar("Found")

LONGEST_IDLE_WAIT = 0.003  # seconds
POLITE = 0.000_5  # seconds that a thread keeps Python's lock when another one wants it; Python's own are ten times that


class Run(Protocol):
    """Runs a call somewhere; gives what it returned, and raises what it raised."""

    def __call__(self, call: Callable[[], Found], /) -> Found:
        """Run this, and wait for it."""


class Concurrency:
    """What the rest of the proxy needs of the kind of server that it is. Here requests are threads."""

    native: Any = _thread
    """Native threads and their locks, named as in `_thread`."""

    def __init__(self) -> None:
        self._alone = self.one_at_a_time()

    def idle(self) -> None:
        """Wait until no other request can go on, for some milliseconds at most; not at all for threads."""

    def soon(self, call: Callable[[], None]) -> None:
        """Run this once no request can go on, or at once where it would keep no request waiting."""
        call()

    def apart(self, call: Callable[[], Found]) -> Found:
        """Run what may block, without stopping other requests; what it returned or raised."""
        return call()

    def alone(self, call: Callable[[], Found]) -> Found:
        """Run what takes long, apart and after all others that do; what it returned or raised."""
        return self._alone(call)

    def one_at_a_time(self) -> Run:
        """Make what runs calls apart, one after the other."""
        lock = threading.Lock()

        def run(call: Callable[[], Found]) -> Found:
            with lock:
                return call()

        return run

    def epoll(self) -> Any:
        """Make a `select.epoll`; None where the system has none."""
        return select.epoll() if hasattr(select, "epoll") else None


class Greenlets(Concurrency):
    """Requests are greenlets of the hub. What blocks runs on a native thread of one of gevent's pools."""

    def __init__(self) -> None:
        import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 (only where gevent is in use)
        from gevent import monkey, threadpool  # noqa: PLC0415

        self._gevent = gevent
        self._hub = gevent.get_hub()
        self._pool = threadpool.ThreadPool
        names = ("RLock", "allocate_lock", "get_ident", "start_new_thread")
        self.native = SimpleNamespace(**{name: monkey.get_original("_thread", name) for name in names})
        self._home = self.native.get_ident()
        self._epoll = monkey.saved.get("select", {}).get("epoll")
        super().__init__()

    def idle(self) -> None:
        """Wait until the hub has nothing else to do: clients that never pause would keep it from that for ever."""
        with self._gevent.Timeout(LONGEST_IDLE_WAIT, exception=False):
            self._gevent.idle()

    def soon(self, call: Callable[[], None]) -> None:
        if self.native.get_ident() == self._home:
            self._gevent.spawn(self._when_idle, call)
        else:
            call()

    def apart(self, call: Callable[[], Found]) -> Found:
        return _on(self._hub.threadpool, call)

    def alone(self, call: Callable[[], Found]) -> Found:
        """Run this on a native thread, after all others that take long.

        It shares Python's lock with the hub, so it hands it over at once, and leaves the garbage alone: looking
        through all that the process has keeps the lock throughout. Measured beside the largest bodies (`make bench
        ROWS=hostile`), the p99 of others' requests is 1.8 times as long without both, that of /healthz four times.
        """

        def politely() -> Found:
            before = sys.getswitchinterval()
            sys.setswitchinterval(POLITE)
            gc.disable()
            try:
                return call()
            finally:
                gc.enable()
                sys.setswitchinterval(before)

        return self._alone(politely)

    def one_at_a_time(self) -> Run:
        pool = self._pool(1, hub=self._hub)
        _on(pool, lambda: None)  # has the thread started, for a process that can have none must not seem to serve
        return lambda call: _on(pool, call)

    def epoll(self) -> Any:
        return self._epoll() if self._epoll else None

    def _when_idle(self, call: Callable[[], None]) -> None:
        self.idle()
        call()


def _on(pool: Any, call: Callable[[], Found]) -> Found:
    found: list[Found] = []

    def attempt() -> Exception | None:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001 (gevent's pool would print what it can also hand on)
            return error
        return None

    if error := pool.apply(attempt):
        raise error
    return found[0]


def current() -> Concurrency:
    """Give this process's: greenlets where gevent has taken the place of threads."""
    monkey = sys.modules.get("gevent.monkey")
    return Greenlets() if monkey and monkey.is_module_patched("threading") else Concurrency()
