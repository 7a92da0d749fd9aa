"""Gunicorn's gevent worker: how rude clients keep nobody else waiting, and how it ends in peace for all."""

from __future__ import annotations

import errno
import signal
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidHTTPVersion  # type: ignore[import-untyped]
from gunicorn.util import http_date  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from proxy.app import parts
from proxy.refusals import hear_out, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LAST_REQUEST_WITHIN = 1.0  # seconds that a kept connection has for a request that was on its way
SLOWEST = 4_096  # bytes a second; a body at this pace may take as long as it takes
UNREAD = 65_536  # bytes of a body that nobody wanted, for which a connection is still kept


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
        super().init_process()

    def timeout_ctx(self) -> _Wait:
        """Give what a connection waits in for its next request."""
        return _Wait(self.cfg.keepalive, self._waiting)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection."""
        super().handle(listener, _InTurns(client, self.cfg.keepalive), addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer a request, after whoever else can go on; then close a connection that still sends its body.

        Gunicorn would read such a body to its end, however far that is, for the sake of a request that may follow.
        """
        gevent.sleep(0)
        with sock.body():
            super().handle_request(listener_name, req, sock, addr)
            with self.timeout_ctx():
                if len(req.body.read(UNREAD)) < UNREAD:
                    return
            hear_out(sock)
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
        hear_out(client)

    def _let_go(self) -> None:
        if app := getattr(self, "wsgi", None):  # it has none while it starts
            parts(app).stop()
        gevent.sleep(LAST_REQUEST_WITHIN)
        if app:
            parts(app).cut()
        for greenlet, wait in list(self._waiting.items()):
            greenlet.kill(wait, block=False)


class _InTurns:
    """A client's socket that is read in turns with all others, and for no longer than a body may take to arrive.

    gevent lets nobody else run as long as there is something to read: a client that sends without end would be the only
    one that is served, until Gunicorn takes the whole process for hung.
    """

    def __init__(self, client: Any, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._until: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @contextmanager
    def body(self) -> Iterator[None]:
        """Let what is read inside be a body, which is given up when it is late."""
        self._until = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._until = None

    def recv(self, size: int) -> bytes:
        """Read up to so many bytes. Raises ConnectionResetError when they are late."""
        if self._until is None:  # a head, which has a bound and a time of its own
            return bytes(self._client.recv(size))
        gevent.sleep(0)
        late = ConnectionResetError(errno.ECONNRESET, "the body took too long to arrive")
        with gevent.Timeout(max(0.0, self._until - time.monotonic()), late):
            data = bytes(self._client.recv(size))
        self._until += len(data) / SLOWEST
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
        self._waiting = waiting

    def __enter__(self) -> _Wait:
        self._waiting[gevent.getcurrent()] = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        del self._waiting[gevent.getcurrent()]
        return super().__exit__(*error)
