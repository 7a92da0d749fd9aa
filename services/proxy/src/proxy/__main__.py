"""`python -m proxy`: the application on Flask's development server, which stands on `http.server`, without Gunicorn."""

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from types import FrameType
from typing import Any
from weakref import WeakSet

from promptqueue.settings import read_or_exit
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from proxy.access import published
from proxy.app import create_app, parts
from proxy.config import Config
from proxy.serving import concurrency, descriptors, logs
from proxy.serving.refusals import hear_out, refusal

LAST_EVENTS_WITHIN = 1.0  # seconds
LAST_ANSWERS_WITHIN = 5.0  # seconds

log = logging.getLogger("proxy")


class Handler(WSGIRequestHandler):
    """Flask's development server's: serves one connection."""

    disable_nagle_algorithm = True  # an event is sent when there is one: the kernel would wait for more to go with it

    def parse_request(self) -> bool:
        """Read a request's head, and answer one of HTTP/1.0 without chunks, which its client would take for text."""
        is_understood = super().parse_request()
        if self.request_version == "HTTP/1.0":
            self.protocol_version = self.request_version
        return is_understood

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log it without what stands behind a question mark, and nothing of what is no request: it may be a secret."""
        asked = f"{self.command} {self.path.partition('?')[0]}" if hasattr(self, "path") else "no request"
        self.log("info", '"%s" %s %s', asked.translate(self._control_char_table), code, size)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 (http.server's names)
        """Refuse with this status and close."""
        headers, body = refusal(code)
        self.request_version = self.protocol_version  # else a request whose version was not understood is one of 0.9
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        hear_out(self.connection)


class Server(ThreadedWSGIServer):
    """Flask's development server, which knows the threads that still serve."""

    def __init__(self, *arguments: Any) -> None:
        self._serving: WeakSet[threading.Thread] = WeakSet()
        super().__init__(*arguments)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        self._serving.add(threading.current_thread())
        super().process_request_thread(request, client_address)

    def finish(self, within: float) -> None:
        """Wait for answers that are being written, but not for clients that say nothing."""
        deadline = time.monotonic() + within
        for thread in list(self._serving):
            thread.join(max(0.0, deadline - time.monotonic()))


def main() -> int:
    """Serve until the process is told to stop; its exit code."""
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    published.check(config, os.environ)  # noqa: TID251 (an entry file)
    here = concurrency.current()
    logs.to_stdout(config.log_level, here)
    logging.getLogger("werkzeug").setLevel(logging.INFO if config.log_level == "debug" else logging.WARNING)
    caps = descriptors.caps(config.max_streams)
    if line := caps.lowered(config.max_streams):
        log.warning(line)
    app = create_app(replace(config, max_streams=caps.streams), here)
    server = Server(config.bind_address, config.proxy_port, app, Handler)

    doors = [server]
    if config.metrics_port:
        doors.append(Server(config.metrics_address, config.metrics_port, app, Handler))
        threading.Thread(target=doors[1].serve_forever, daemon=True).start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # From here, shutdown would wait for the very loop that this handler interrupts.
        for door in doors:
            threading.Thread(target=door.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    log.info("proxy listens address=%s port=%d", config.bind_address, config.proxy_port)
    server.serve_forever()
    parts(app).stop()
    server.finish(LAST_EVENTS_WITHIN)
    parts(app).cut()
    server.finish(LAST_ANSWERS_WITHIN)
    for door in doors:
        door.server_close()
    parts(app).close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
