"""A client's socket under gevent, read in turns with all others, and for no longer than a head or a body may take."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders  # type: ignore[import-untyped]

from proxy.serving.crowd import Caller

HEAD_WITHIN = 10.0  # seconds until a head is whole, from its first byte; of the first one from the connection's start
LONGEST_HEAD = 32_768  # bytes; a browser may send a Cookie of 8 KB that other programs on this machine have set
SLOWEST = 4_096  # bytes a second; a body at this pace may take as long as it takes
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.25  # seconds between the pieces of a head, if they are small
LONGEST_PIECE = 65_536  # bytes; Gunicorn asks for a megabyte at once, and holds what it has no use for yet


class PacedSocket:
    """Limits what Gunicorn reads; everything else is the socket's own.

    gevent lets no other greenlet run as long as there is something to read: a client that never pauses would be the
    only one that is served, until Gunicorn takes the whole process for hung.
    """

    def __init__(self, plain: Any, body_within: float, caller: Caller) -> None:
        """Read from `plain`: a body within so many seconds. The `caller` hears of what is waited for."""
        self.plain = plain
        self._body_within = body_within
        self._caller = caller
        self._is_body = False
        self._body_until = 0.0
        self._until: float | None = time.monotonic() + HEAD_WITHIN  # None until a next head has begun
        self._head = 0  # bytes of it
        self._pause = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    @contextmanager
    def body(self) -> Iterator[None]:
        """Take what is read inside for a body, and what is read afterwards for the next head."""
        self._is_body, self._body_until, self._pause = True, time.monotonic() + self._body_within, 0.0
        try:
            yield
        finally:
            self._is_body, self._until, self._head = False, None, 0

    def recv(self, size: int) -> bytes:
        """Read up to so many bytes. Raises ConnectionResetError when they are late, LimitRequestHeaders."""
        if self._is_body:
            return self._of_body(size)
        if self._until is None:  # nothing of a next head has come; how long that may take is the worker's limit
            data = bytes(self.plain.recv(size))
            self._caller.speak()
            self._until = time.monotonic() + HEAD_WITHIN
        else:
            if self._head >= LONGEST_HEAD:
                message = "the head is too long"
                raise LimitRequestHeaders(message)
            data = self._in_time(size, self._until)
        self._head += len(data)
        # Gunicorn searches a head from its beginning each time that something comes, so bytes that come one by one are
        # left to gather, longer each time: else they would cost far more than all at once.
        self._pause = 0.0 if len(data) == size else min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
        return data

    def _of_body(self, size: int) -> bytes:
        self._caller.wait(is_sending_body=True)
        try:
            data = self._in_time(size, self._body_until)
        finally:
            self._caller.hear()
        self._body_until += len(data) / SLOWEST
        return data

    def _in_time(self, size: int, until: float) -> bytes:
        gevent.sleep(self._pause)
        late = ConnectionResetError(errno.ECONNRESET, "the head or the body took too long to arrive")
        left = until - time.monotonic()
        if left <= 0:  # a time-out alone would not be noticed where there is always something to read
            raise late
        with gevent.Timeout(left, late):
            return bytes(self.plain.recv(min(size, LONGEST_PIECE)))
