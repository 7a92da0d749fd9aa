"""The product on plain processes: simulator, proxy under Gunicorn, worker and janitor under supervisor."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.client import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / "services" / name / "src" for name in ("promptqueue", "proxy", "worker")]


@dataclass(frozen=True)
class Reply:
    """What the proxy answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Stack:
    """A whole product in `folder`. `environment` is for the product's processes alone."""

    folder: Path
    simulator: Simulator
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (self.folder / "tmp").mkdir(parents=True)

    def start(self) -> None:
        self.start_proxy()
        self.start_worker()

    def start_proxy(self) -> None:
        config = ROOT / "services/proxy/gunicorn.conf.py"
        self._start("proxy", [_program("gunicorn"), "--config", str(config), "proxy.wsgi:app"])
        until(lambda: self.get("/healthz").status == 200, "the proxy answers")

    def start_worker(self) -> None:
        config = ROOT / "services/worker/supervisord.conf"
        pid_file = str(self.folder / "tmp/supervisord.pid")
        self._start("worker", [_program("supervisord"), "-c", str(config), "-j", pid_file])

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for name, process in self._processes.items():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError(f"{name} did not stop when told to") from None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._processes[name]

    def worker_pid(self) -> int:
        """The process that answers prompts, among supervisor's children."""
        return until(lambda: _child(self._processes["worker"].pid, "worker"), "a worker process runs")

    # ---- as a client ------------------------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, None if body is None else json.dumps(body).encode(), **headers)

    def call(self, method: str, path: str, data: bytes | None, **headers: str) -> Reply:
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=70) as response:
                return Reply(response.status, dict(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers), error.read().decode())
        except OSError as error:
            return Reply(0, {}, str(error))

    def submit(self, text: str, **fields: Any) -> str:
        reply = self.post("/api/v1/prompt", {"prompt": text, **fields})
        assert reply.status == 202, reply.text
        return str(reply.json["id"])

    def status(self, prompt_id: str) -> dict[str, Any]:
        reply = self.get(f"/api/v1/prompt/{prompt_id}/status")
        assert reply.status == 200, reply.text
        found: dict[str, Any] = reply.json
        return found

    def until_status(self, prompt_id: str, status: str, timeout: float = 30) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            found = self.status(prompt_id)
            return found if found["status"] == status else None

        return until(reached, f"{prompt_id} is {status}", timeout)

    def result(self, prompt_id: str) -> Reply:
        return self.get(f"/api/v1/prompt/{prompt_id}/result?wait=60")

    def _start(self, name: str, command: list[str]) -> None:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.folder / "tmp"),
            "DATABASE_URL": f"sqlite:///{self.folder / 'data/queue.db'}",
            "OLLAMA_URLS": self.simulator.url,
            "BIND_ADDRESS": "127.0.0.1",
            "PROXY_PORT": str(self.port),
            **self.environment,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )


def until(look: Callable[[], Found | None], what: str, timeout: float = 30) -> Found:
    """Look again and again until there is something to see, and say what was waited for when time is up."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {timeout} s")


def _child(parent: int, module: str) -> int | None:
    for each in Path("/proc").glob("[0-9]*"):
        try:
            belongs = int((each / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            arguments = (each / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if belongs and module.encode() in arguments:
            return int(each.name)
    return None


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
