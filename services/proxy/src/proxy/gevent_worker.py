"""Gunicorn's gevent worker, held to what Gunicorn alone does not promise.

A rude client keeps nobody else waiting, what is refused has the shape of all errors, and the process ends at once when
it is told to. Each override of Gunicorn's own methods says in its first line what it adds.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from http import HTTPStatus
from types import FrameType
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.server import StreamServer  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidHTTPVersion, ParseException  # type: ignore[import-untyped]
from gunicorn.util import http_date  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from proxy.app import meter, parts
from proxy.serving.connection import Connection
from proxy.serving.crowd import Caller, Crowd
from proxy.serving.paced_socket import PacedSocket
from proxy.serving.refusals import hear_out, refusal

AT_A_TIME = 10  # connections
LAST_REQUEST_WITHIN = 1.0  # seconds that a kept connection has for a request that was on its way
UNREAD, UNREAD_PIECE = 65_536, 4_096  # bytes of a body that nobody wanted, for which a connection is still kept


class Worker(GeventWorker):  # type: ignore[misc]  # Gunicorn has no types
    """Serves connections, each on a greenlet."""

    def init_process(self) -> None:
        """Let an early SIGTERM end it: until Gunicorn sets its handlers, the master's would swallow the signal."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._crowd = Crowd(self.worker_connections)
        self._callers: dict[Any, Caller] = {}  # by greenlet
        super().init_process()

    def run(self) -> None:
        """Accept few connections at a time: gevent would accept a hundred before any other greenlet had its turn."""
        StreamServer.max_accept = AT_A_TIME
        super().run()

    def timeout_ctx(self) -> _Wait:
        """Have it known that a client is waited for."""
        return _Wait(self.cfg.keepalive, self._callers[gevent.getcurrent()])

    def notify(self) -> None:
        """Keep places free each second: once all are taken, no connection comes that could make room for itself."""
        super().notify()
        self._crowd.make_room()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Give a connection its place among all others, and read it in turns with them."""
        here = gevent.getcurrent()
        address = addr[0] if isinstance(addr, tuple) else ""  # that of a socket in the file system is no address
        with self._crowd.caller(Connection({"gunicorn.socket": client}), address) as caller:
            self._callers[here] = caller
            try:
                super().handle(listener, PacedSocket(client, self.cfg.keepalive, caller), addr)
            finally:
                del self._callers[here]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer after whoever else can go on, then close a connection that still sends its body.

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
        """End held requests, streams and idle connections at once; Gunicorn's own would wait until its time is over."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._let_go)  # a signal's handler must not block

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse in the shape of all errors what is not a request, or not a whole one, and hear the client out.

        Nothing of the request is quoted in the log: what was misspelt may have been the name of a header, not the key.
        """
        # A version that it could read: RFC 9110, 15.6.6, has a status for it, where Gunicorn says 400.
        is_version = isinstance(exc, InvalidHTTPVersion) and isinstance(exc.version, tuple)
        status = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED if is_version else None
        if isinstance(exc, ParseException):
            exc.__class__ = _unquoting(type(exc))
        if req is not None:
            req.uri = req.path
        super().handle_error(req, _InOurShape(client, status), addr, exc)
        meter(self.wsgi).refused("invalid_request")
        hear_out(client.plain)  # past the limits of a head, for which it may have been refused

    def _let_go(self) -> None:
        if app := getattr(self, "wsgi", None):  # it has none while it starts
            parts(app).stop()
        gevent.sleep(LAST_REQUEST_WITHIN)
        if app:
            parts(app).cut()
        self._crowd.disperse()


def _unquoting(kind: type[Exception]) -> type[Exception]:
    """Give the same kind of error, which says what it is and quotes nothing of what was sent."""
    return type(kind.__name__, (kind,), {"__str__": lambda _: kind.__name__})


class _InOurShape:
    """A client's socket that sends a refusal of ours, with Gunicorn's status or another, where Gunicorn sends HTML."""

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
    """A time-out that ends its block without an error, during which a client is waited for."""

    def __init__(self, seconds: float, caller: Caller) -> None:
        super().__init__(seconds, exception=False)
        self._caller = caller

    def __enter__(self) -> _Wait:
        self._caller.wait(on_speech=self.cancel)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        self._caller.hear()
        return super().__exit__(*error)
