"""A server in the proxy's place: it keeps what it was asked, and answers as the path says."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVENTS = (b"event: token\ndata: one\n\n", b"event: token\ndata: two\n\n")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedUpstream:
    """Answers 200 with `{}`; "events" in the path is a stream, "silent" waits for `go_on`, "closes" hangs up, a number
    is an error. With `hangs_up` it answers nobody."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.go_on = threading.Event()
        self.hangs_up = False
        self._server = _Server((host, port), _Handler)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return "{}:{}".format(*self._server.server_address[:2])

    def __enter__(self) -> ScriptedUpstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, as a proxy that was stopped."""
        self.go_on.set()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: ScriptedUpstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = self.server.upstream
        upstream.asked.append(
            Asked(method=self.command, path=self.path, headers=dict(self.headers.items()), body=body),
        )
        path = self.path.partition("?")[0]
        if upstream.hangs_up:
            self.close_connection = True
        elif "events" in path:
            self._stream(is_chunked="chunked" in self.path)
        elif "silent" in path:
            upstream.go_on.wait(20)
            self._whole(200, b"{}")
        elif "closes" in path:
            self.close_connection = True
        elif path[-3:].isdigit():
            self._whole(int(path[-3:]), b'{"error": {"code": "its_own"}}')
        else:
            self._whole(200, b"{}")

    do_GET = do_POST = do_DELETE = do_OPTIONS = _answer  # noqa: N815 (http.server's names)

    def _whole(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, *, is_chunked: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Connection", "close")))
        self.end_headers()
        first, second = [b"%x\r\n%s\r\n" % (len(event), event) if is_chunked else event for event in EVENTS]
        self.wfile.write(first)
        self.server.upstream.go_on.wait(20)
        self.wfile.write(second + (b"0\r\n\r\n" if is_chunked else b""))

    def log_message(self, *_: Any) -> None:
        pass
