"""Departures: which of the clients that wait have closed their connections."""

import threading
import time
from collections.abc import Callable
from typing import Any

LOOK_EVERY = 0.2  # seconds
CLOSED = 0x2000  # EPOLLRDHUP of epoll_ctl(2): the client will send no more, or the connection is broken


class Departures:
    """Watches any number of connections at the price of one system call, five times a second. Only Linux tells."""

    def __init__(self, epoll: Any) -> None:
        """Ask the kernel through `epoll`; where that is None, nobody is ever found to have left."""
        self._epoll = epoll
        self._lock = threading.Lock()
        self._watched: dict[int, Callable[[], None]] = {}  # by file descriptor
        self._is_looking = False

    def watch(self, descriptor: int, on_gone: Callable[[], None]) -> None:
        """Call `on_gone` once, within 250 ms of the client's leaving, on another thread, which it must not block."""
        if self._epoll is None or descriptor < 0:
            return
        with self._lock:
            self._epoll.register(descriptor, CLOSED)
            self._watched[descriptor] = on_gone
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="departures", daemon=True).start()

    def forget(self, descriptor: int) -> None:
        """Watch this one no more. Call it before the connection is closed: another one may get its descriptor."""
        with self._lock:
            if self._watched.pop(descriptor, None):
                self._epoll.unregister(descriptor)

    def stop(self) -> None:
        """Watch nobody any more: whom this process cuts off at its end has not left."""
        for descriptor in list(self._watched):
            self.forget(descriptor)

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                if not self._watched:
                    self._is_looking = False
                    return
                closed = [descriptor for descriptor, _ in self._epoll.poll(0)]
                gone = [self._watched.pop(descriptor, None) for descriptor in closed]
                for descriptor in closed:
                    self._epoll.unregister(descriptor)  # else it would be given each time
            for on_gone in gone:
                if on_gone:
                    on_gone()
