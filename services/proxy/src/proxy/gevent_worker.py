"""Gunicorn's gevent worker: how rude clients keep nobody else waiting, and how it ends in peace for all."""

from __future__ import annotations

import errno
import signal
import time
from contextlib import contextmanager, suppress
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidHTTPVersion, LimitRequestHeaders, ParseException  # type: ignore[import-untyped]
from gunicorn.util import http_date  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from proxy.app import parts
from proxy.serving.refusals import hear_out, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

LAST_REQUEST_WITHIN = 1.0  # seconds that a kept connection has for a request that was on its way
HEAD_WITHIN = 10.0  # seconds until a head is whole, from its first byte, and the first one from the connection's start
LONGEST_HEAD = 32_768  # bytes; a browser may send a Cookie of 8 KB that other programs on this machine have set
NARROW = 100  # places left, or a quarter of few, at which whoever has said nothing the longest must go
SLOWEST = 4_096  # bytes a second; a body at this pace may take as long as it takes
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.25  # seconds between the pieces of a head, if they are small
UNREAD, UNREAD_PIECE = 65_536, 4_096  # bytes of a body that nobody wanted, for which a connection is still kept
LONGEST_PIECE = 65_536  # bytes; Gunicorn asks for a megabyte at once, and holds what it has no use for yet


class Worker(GeventWorker):  # type: ignore[misc]  # Gunicorn has no types
    """Serves whoever sends without pause, or without end, beside all others; ends at once when it is told to stop.

    It then lets held requests answer and closes the connections that only wait for a next request. Gunicorn's own would
    wait for those until its time for a graceful end is over.
    """

    def init_process(self) -> None:
        """Begin with no connection, then do as Gunicorn does, which serves until the end."""
        # Until Gunicorn sets its handlers, a tenth of a second later, its master's are inherited and would swallow it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._waiting: dict[Any, _Wait] = {}
        self._served: set[Any] = set()
        self._crowd = self.worker_connections - min(NARROW, self.worker_connections // 4)
        super().init_process()

    def timeout_ctx(self) -> _Wait:
        """Give what a connection waits in for its next request."""
        return _Wait(self.cfg.keepalive, self._waiting)

    def notify(self) -> None:
        """Say each second that the process is alive, as Gunicorn does, and keep places free."""
        super().notify()
        self._make_room()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection."""
        here = gevent.getcurrent()
        self._served.add(here)
        try:
            self._make_room()
            super().handle(listener, _InTurns(client, self.cfg.keepalive, self._is_heard), addr)
        finally:
            self._served.discard(here)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request, after whoever else can go on; then close a connection that still sends its body.

        Gunicorn would read such a body to its end, however far that is, for the sake of a request that may follow.
        """
        gevent.sleep(0)
        with sock.body():
            super().handle_request(listener_name, req, sock, addr)
            with self.timeout_ctx(), suppress(ParseException):  # of a body that goes wrong after its answer
                for _ in range(UNREAD // UNREAD_PIECE):
                    if not req.body.read(UNREAD_PIECE):
                        return
            hear_out(sock.plain)
            raise StopIteration

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the end. A signal's handler must not block, so a greenlet goes on with it."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._let_go)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what is no request, or no whole one, as Gunicorn does, but in our own shape."""
        # A version that it could read: RFC 9110, 15.6.6, has a status for it, where Gunicorn says 400.
        is_version = isinstance(exc, InvalidHTTPVersion) and isinstance(exc.version, tuple)
        status = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED if is_version else None
        super().handle_error(req, _InOurShape(client, status), addr, exc)
        hear_out(client.plain)  # past the limits of a head, which it may be refused for

    def _let_go(self) -> None:
        if app := getattr(self, "wsgi", None):  # it has none while it starts
            parts(app).stop()
        gevent.sleep(LAST_REQUEST_WITHIN)
        if app:
            parts(app).cut()
        for greenlet, wait in list(self._waiting.items()):
            greenlet.kill(wait, block=False)

    def _is_heard(self) -> None:
        """Take note that whoever was waited for has begun to speak: how long it may go on is another limit's."""
        if wait := self._waiting.get(gevent.getcurrent()):
            wait.cancel()

    def _make_room(self) -> None:
        """When places get scarce, let go of the connections that have been waited for the longest.

        So neither idle connections nor heads without an end can keep others out, however many there are. One that came
        within the last second has had no time to speak.
        """
        old = time.monotonic() - LAST_REQUEST_WITHIN
        too_many = max(0, len(self._served) - self._crowd)
        for greenlet, wait in list(
            islice(self._waiting.items(), too_many)
        ):  # they stand in the order of their beginning
            if wait.began < old:
                del self._waiting[greenlet]
                self._served.discard(greenlet)
                greenlet.kill(wait, block=False)


class _InTurns:
    """A client's socket that is read in turns with all others, and for no longer than a head or a body may take.

    gevent lets nobody else run as long as there is something to read: a client that sends without end would be the only
    one that is served, until Gunicorn takes the whole process for hung.
    """

    def __init__(self, client: Any, body_within: float, is_heard: Callable[[], None]) -> None:
        self.plain = client
        self._body_within = body_within
        self._is_heard = is_heard
        self._is_body = False
        self._until: float | None = time.monotonic() + HEAD_WITHIN
        self._head = 0  # bytes of it
        self._pause = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    @contextmanager
    def body(self) -> Iterator[None]:
        """Let what is read inside be a body, and what is read afterwards the next head."""
        self._is_body, self._until, self._pause = True, time.monotonic() + self._body_within, 0.0
        try:
            yield
        finally:
            self._is_body, self._until, self._head = False, None, 0

    def recv(self, size: int) -> bytes:
        """Read up to so many bytes. Raises ConnectionResetError when they are late, LimitRequestHeaders."""
        if self._until is None:  # nothing of a next request has come; how long that may take `Worker.timeout_ctx` says
            data = bytes(self.plain.recv(size))
            self._is_heard()
            self._until = time.monotonic() + HEAD_WITHIN
        else:
            if self._head >= LONGEST_HEAD and not self._is_body:
                message = "the head is too long"
                raise LimitRequestHeaders(message)
            gevent.sleep(self._pause)
            late = ConnectionResetError(errno.ECONNRESET, "the head or the body took too long to arrive")
            left = self._until - time.monotonic()
            if left <= 0:  # a time-out alone would not be heard where there is always something to read
                raise late
            with gevent.Timeout(left, late):
                data = bytes(self.plain.recv(min(size, LONGEST_PIECE)))
        if self._is_body:
            self._until += len(data) / SLOWEST
        else:
            self._head += len(data)
            # Gunicorn searches a head from its beginning each time that something comes. So bytes that come one by one
            # are let gather, longer each time: they would cost as much as if all came at once.
            self._pause = 0.0 if len(data) == size else min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
        return data


class _InOurShape:
    """A client's socket that sends a refusal of ours, with Gunicorn's status or another, where it sends HTML."""

    def __init__(self, client: Any, status: HTTPStatus | None) -> None:
        self._client = client
        self._status = status

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, page: bytes) -> None:
        """Send what stands for `page`."""
        status = self._status or HTTPStatus(int(page.split(b" ", 2)[1]))
        headers, body = refusal(status)
        lines = [f"HTTP/1.1 {status} {status.phrase}", f"Date: {http_date()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._client.sendall("\r\n".join([*lines, "", ""]).encode() + body)


class _Wait(gevent.Timeout):  # type: ignore[misc]  # gevent has no types
    """A time-out that ends its block without an error, and that is known while it runs."""

    def __init__(self, seconds: float, waiting: dict[Any, _Wait]) -> None:
        super().__init__(seconds, exception=False)
        self.began = time.monotonic()
        self._waiting = waiting

    def __enter__(self) -> _Wait:
        self._waiting[gevent.getcurrent()] = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        self._waiting.pop(gevent.getcurrent(), None)
        return super().__exit__(*error)
