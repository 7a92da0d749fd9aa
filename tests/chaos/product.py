"""The product under the campaign: its parts on plain processes, started again whenever they end, as Docker would."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

from processes import PROC, Process
from stack import Stack

from chaos.plan import LEASE, Part

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from simulator.client import Simulator

LOOK_EVERY = 0.1  # seconds
STOPPED_WITHIN = 20.0  # seconds

VARIABLES = {
    "LEASE_SECONDS": f"{LEASE:g}",
    "IDLE_TIMEOUT": "3",
    "FIRST_BYTE_TIMEOUT": "4",
    "DRAIN_SECONDS": "1",
    "WORKER_CONCURRENCY": "2",
    "MAX_FAILURES": "3",
}
"""Quick deadlines, so that much happens in little time."""


class Product(Stack):
    """Three containers' worth: the proxy's, the worker's with its janitor, and one with a second worker."""

    def __init__(self, folder: Path, simulator: Simulator, variables: Mapping[str, str]) -> None:
        super().__init__(folder, simulator, {**VARIABLES, **variables})
        self.port = lasting_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._starts: dict[str, Callable[[], subprocess.Popen[bytes]]] = {
            "proxy": self.start_proxy,
            "worker": self.start_worker,
            "other worker": self.start_lone_worker,
        }
        self._containers: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._is_kept = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self.restarts = 0

    def start(self) -> None:
        """Start everything and keep it running; returns at once."""
        self._is_kept.set()
        self._keeper.start()

    def end(self) -> None:
        """Let nothing be started any more, and end all of it in good order, or at once when it does not come."""
        self._is_kept.clear()
        self._keeper.join()
        for container in self._containers.values():
            container.terminate()
        with contextlib.suppress(Exception):
            for container in self._containers.values():
                container.wait(10)
        self.stop()

    def container(self, part: Part) -> list[Process]:
        """Every process of a container."""
        name = {Part.PROXYS_CONTAINER: "proxy", Part.WORKERS_CONTAINER: "worker"}[part]
        with self._lock:
            started = self._containers.get(name)
        return self.processes(started) if started else []

    def container_main(self, part: Part) -> list[Process]:
        """The one process of a container that Docker would tell to end."""
        inside = self.container(part)
        return [process for process in inside if process.pid == process.session]

    def find(self, part: Part) -> list[Process]:
        """The process that this part is; none while it is away."""
        running = self.everything()
        match part:
            case Part.WORKER:
                return [each for each in running if each.arguments.endswith("-m worker") and each.pid != each.session]
            case Part.OTHER_WORKER:
                return [each for each in running if each.arguments.endswith("-m worker") and each.pid == each.session]
            case Part.JANITOR:
                return [each for each in running if each.arguments.endswith("-m worker.janitor")]
            case Part.PROXY:
                return [each for each in running if "gunicorn" in each.arguments and each.pid != each.session]
            case _:
                return []

    def everything(self) -> list[Process]:
        """Every process of the product."""
        with self._lock:
            return [process for started in self._containers.values() for process in self.processes(started)]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Have every process stand still inside, none of them in the middle of a write. The stopped ones stay so."""
        with self._lock:  # nothing is started meanwhile
            frozen: dict[int, Process] = {}
            deadline = time.monotonic() + STOPPED_WITHIN
            try:
                while moving := [each for each in self.everything() if not _is_stopped(each.pid)]:
                    for process in moving:
                        frozen[process.pid] = process
                        process.signal(signal.SIGSTOP)
                    assert time.monotonic() < deadline, "the product did not stand still"
                    time.sleep(0.002)
                yield
            finally:
                for process in frozen.values():
                    process.signal(signal.SIGCONT)

    def _keep(self) -> None:
        while self._is_kept.is_set():
            for name, start in self._starts.items():
                with self._lock:
                    running = self._containers.get(name)
                    if running is None or running.poll() is not None:
                        self._containers[name] = start()
                        self.restarts += running is not None
            time.sleep(LOOK_EVERY)

    def _until_it_answers(self, proxy: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        return proxy  # it may be struck before it does


def lasting_port() -> int:
    """Find a port that is still free after a while without a listener: one that the kernel gives to no client."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    message = "no port is free between 20000 and 30000"
    raise OSError(message)


def _is_stopped(pid: int) -> bool:
    """Whether it stands still, with all its threads."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in (PROC / f"{pid}/task").iterdir()
        ]
        return all(state in "TZX" for state in states)
    return True
