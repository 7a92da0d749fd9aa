"""Servers: real processes that serve the proxy, and what they answer."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from support.client import Reply
from support.engine import queue_url
from support.front_door import FrontDoor
from support.ports import free_port
from support.waiting import DEADLINE, until

SERVICE = Path(__file__).resolve().parents[1]


class Server(FrontDoor):
    """A real process that serves the proxy on a free port: `gevent` under Gunicorn, `threads` by `python -m proxy`.

    `module` stands in the place of proxy.wsgi:app or proxy.
    """

    def __init__(self, kind, folder, *, starts=True, descriptors=None, module=None, port=None, **variables):
        self.kind = kind
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.database_url = queue_url(folder)
        self.port = port or free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self._log = folder / "log"
        gunicorn = ["gunicorn", "--config", str(SERVICE / "gunicorn.conf.py"), module or "proxy.wsgi:app"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "DATABASE_URL": self.database_url,
            "PROXY_PORT": str(self.port),
            **{name: str(value) for name, value in variables.items()},
        }
        command = [sys.executable, "-m", *(gunicorn if kind == "gevent" else [module or "proxy"])]
        if descriptors:
            command = ["sh", "-c", f'ulimit -n {descriptors} && exec "$@"', "sh", *command]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        if starts:
            until(self._answers)

    def _answers(self):
        assert self.process.poll() is None, self.log
        return self.get("/healthz").status

    @property
    def log(self):
        return self._log.read_text()

    @property
    def traceback(self):
        """What it has said from its first traceback on."""
        return "".join(self.log.partition("Traceback")[1:])

    def submit(self, prompt="Why is the sky blue?", **fields):
        return super().submit(prompt, **fields)

    def unread(self, path):
        """Ask for a stream of events and read nothing of it."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return connection

    @property
    def workers(self):
        """The processes that serve."""
        if self.kind != "gevent":
            return [self.process.pid]
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def raw(self, data, *, end=False, timeout=10):
        """Send bytes as they are, with `end` no more after them; what came back until the server closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if end:
                with contextlib.suppress(OSError):  # it may have answered and closed already
                    connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())

    @property
    def serving(self):
        """How many connections it has whose requests it has read whole."""
        port = f":{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(row[1].endswith(port) and row[3] == "01" and row[4].endswith(":00000000") for row in rows[1:])

    def stop(self):
        """Tell it to stop and wait for its end; the seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        return time.monotonic() - start

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
