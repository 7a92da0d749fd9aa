"""Durable submissions a second over HTTP: gevent with its native writer, gthread, and a constant answer as the ceiling.

`python bench/submit.py [seconds] [repeats]` starts the application once under each and puts them under
load in turns, A B A B, so that a busy machine is unfair to both. Compare the ratios; the rates are the machine's.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICES = HERE.parent / "services"
SOURCES = [HERE, SERVICES / "proxy" / "src", SERVICES / "promptqueue" / "src"]
BODY = '{"prompt": "Why is the sky blue?", "options": {"temperature": 0.7}}'
CONNECTIONS = 64
SERVERS = {
    "gevent": ["-c", str(SERVICES / "proxy" / "gunicorn.conf.py")],
    "gthread": ["-k", "gthread", "--threads", "16", "-w", "1", "--keep-alive", "75", "--no-control-socket"],
}
LOADS = {"submit": "/api/v1/prompt", "constant": "/constant"}


def application():
    """Give the product, with a route of bare Flask beside it that reads JSON and answers a constant."""
    from flask import Flask, request  # noqa: PLC0415 (the script itself needs none of it)
    from proxy.wsgi import app as product  # noqa: PLC0415
    from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: PLC0415

    bare = Flask("bare")

    @bare.post("/")
    def constant():
        request.get_json(force=True)
        return {"id": "00000000-0000-4000-8000-000000000000", "status": "queued", "position": 1}

    mounted = DispatcherMiddleware(product, {"/constant": bare})
    mounted.extensions = product.extensions
    return mounted


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        for server in SERVERS:
            with Server(server) as running:
                for load, path in LOADS.items():
                    running.load(path, 0.5)
                    rates.setdefault((server, load), []).append(running.load(path, seconds))
    for (server, load), found in rates.items():
        print(f"{server:8} {load:9} {statistics.median(found):7.0f}/s   {' '.join(f'{rate:.0f}' for rate in found)}")
    submits = {server: statistics.median(rates[server, "submit"]) for server in SERVERS}
    ceiling = statistics.median(rates["gevent", "constant"])
    print(f"gevent submit / constant: {submits['gevent'] / ceiling:.2f} (goal 0.65)")
    print(f"gevent submit / gthread submit: {submits['gevent'] / submits['gthread']:.2f} (goal 1.3)")


class Server:
    """The application under one kind of server, on a fresh database."""

    def __init__(self, kind: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._port = _free_port()
        self._log = (Path(self._folder.name) / "log").open("w")
        environment = {
            **os.environ,  # noqa: TID251 (an entry file)
            "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
            "DATABASE_URL": f"sqlite:///{self._folder.name}/queue.db",
            "MAX_QUEUE_DEPTH": "100000000",
            "PROXY_PORT": str(self._port),
        }
        address = f"127.0.0.1:{self._port}"
        command = [sys.executable, "-m", "gunicorn", *SERVERS[kind], "-b", address, "submit:application()"]
        self._process = subprocess.Popen(command, env=environment, cwd=HERE, stdout=self._log, stderr=self._log)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self.load("/api/v1/prompt", 0.05)
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise TimeoutError(Path(self._log.name).read_text())

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)
        self._log.close()
        self._folder.cleanup()

    def load(self, path: str, seconds: float) -> float:
        """Put 64 connections on `path`; accepted requests a second."""
        return (_wrk if shutil.which("wrk") and seconds >= 0.5 else _sockets)(self._port, path, seconds)


def _wrk(port: int, path: str, seconds: float) -> float:
    much = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    command = ["wrk", *much, "-s", str(HERE / "post.lua"), f"http://127.0.0.1:{port}{path}", "--", BODY]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def _sockets(port: int, path: str, seconds: float) -> float:
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
    until = time.monotonic() + seconds
    done = [0] * CONNECTIONS
    with socket.create_connection(("127.0.0.1", port)):
        pass

    def client(index: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
            while time.monotonic() < until:
                connection.sendall(request)
                status = answers.readline()
                if not status.startswith(b"HTTP/1.1 20"):
                    raise SystemExit(status.decode())
                length = 0
                while header := answers.readline().strip():
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                answers.read(length)
                done[index] += 1

    threads = [threading.Thread(target=client, args=[index]) for index in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
