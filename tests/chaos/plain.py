"""The product on plain processes, started again whenever they end, as Docker would."""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from simulator.client import Simulator
from support.ports import free_port
from support.processes import PROC, Process
from support.stack import PROXY, Stack

from chaos.history import now
from chaos.kept import InAFile, OnAServer
from chaos.plan import Blow, Part
from chaos.target import SIMULATOR, VARIABLES, Remains

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from promptqueue import PromptQueue
    from support.wall_clock import WallClock

    from chaos.kept import Kept

LOOK_EVERY = 0.1  # seconds
STOPPED_WITHIN = 20.0  # seconds
CONTAINERS = ("proxy", "worker", "lone-worker")
OTHER_PROXY = "other-proxy"


class Plain(Stack):
    """Three containers' worth: the proxy's, the worker's with its janitor, and one with a second worker.

    In PostgreSQL a second proxy's too, and each has its own way to the queue, as if it were on a machine of its own.
    """

    slowness = 1.0

    def __init__(
        self,
        folder: Path,
        *,
        room: int,
        clock: WallClock | None = None,
        journal_mode: str = "auto",
        proxy_processes: int = 1,
        on_postgres: bool = False,
    ) -> None:
        self._journal = folder / "calls.jsonl"
        self.ollama = Simulator(port=free_port(), journal=self._journal, **SIMULATOR)
        self.clock = clock
        self.room = room
        settings = {
            "JOURNAL_MODE": journal_mode,
            "MAX_STORED_BYTES": str(room),
            "PROXY_PROCESSES": str(proxy_processes),
        }
        variables = {**VARIABLES, **settings, **(clock.variables if clock else {})}
        super().__init__(folder / "product", self.ollama, variables)
        self.ports = [free_port() for _ in range(1 + on_postgres)]
        self.postgres = OnAServer([*CONTAINERS, OTHER_PROXY]) if on_postgres else None
        self._file = InAFile(self.folder / "data/queue.db")
        self._starts: dict[str, Callable[[], subprocess.Popen[bytes]]] = {
            "proxy": self.start_proxy,
            "worker": self.start_worker,
            "lone-worker": self.start_lone_worker,
        }
        if on_postgres:
            self._starts[OTHER_PROXY] = lambda: self._run(OTHER_PROXY, PROXY)
        self._containers: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._is_kept = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._restarts = 0

    @property
    def restarts(self) -> str:
        return f"{self._restarts} containers started again"

    @property
    def _kept(self) -> Kept:
        return self.postgres or self._file

    def variables_of(self, name: str) -> Mapping[str, str]:
        port = self.ports[-1] if name == OTHER_PROXY else self.ports[0]
        own = {"DATABASE_URL": self._kept.url(name), "PROXY_PORT": str(port)}
        if name == "lone-worker":
            own["OLLAMA_URLS"] = f"{self.ollama.url}?slots={SIMULATOR['slots']}"  # else it waited for the other's slots
        return {**super().variables_of(name), **own}

    def start(self) -> None:
        """Start everything and keep it running; returns at once."""
        self._kept.start()
        self.ollama.start()
        self._is_kept.set()
        self._keeper.start()

    def end(self) -> Remains:
        self._is_kept.clear()
        self._keeper.join()
        for container in self._containers.values():
            container.terminate()
        with contextlib.suppress(Exception):
            for container in self._containers.values():
                container.wait(10)
        self.stop()
        self.ollama.stop()
        logs = [self.log(name) for name in ("worker", "lone-worker")]
        try:
            return Remains(stored=self._kept.contents(), journal=self._journal, worker_logs=logs)
        finally:
            self._kept.end()

    def victims(self, part: Part, blow: Blow) -> list[Process]:
        match part, blow:
            case ((Part.WORKERS_CONTAINER | Part.PROXYS_CONTAINER), Blow.KILL):
                return self._container(part)
            case ((Part.WORKERS_CONTAINER | Part.PROXYS_CONTAINER), _):
                # The one process of a container that Docker would tell to end.
                return [process for process in self._container(part) if process.pid == process.session]
            case _:
                return self._process(part)

    def opened(self) -> AbstractContextManager[PromptQueue]:
        """Open its queue. Raises StorageUnavailable."""
        return self._kept.opened()

    def copy(self, folder: Path) -> float:
        with self._frozen():
            self._file.copy(folder)
            return now()

    def python_beside_the_database(self) -> list[str]:
        return [sys.executable, "-", self._kept.where]

    def _container(self, part: Part) -> list[Process]:
        """Every process of a container."""
        proxies = [name for name in self._starts if name.endswith("proxy")]
        name = random.choice(proxies) if part is Part.PROXYS_CONTAINER else "worker"
        with self._lock:
            started = self._containers.get(name)
        return self.processes(started) if started else []

    def _process(self, part: Part) -> list[Process]:
        """The process that this part is; none while it is away."""
        running = self._everything()
        match part:
            case Part.WORKER:
                return [each for each in running if each.arguments.endswith("-m worker") and each.pid != each.session]
            case Part.OTHER_WORKER:
                return [each for each in running if each.arguments.endswith("-m worker") and each.pid == each.session]
            case Part.JANITOR:
                return [each for each in running if each.arguments.endswith("-m worker.janitor")]
            case Part.PROXY:
                serving = [each for each in running if "gunicorn" in each.arguments and each.pid != each.session]
                return random.sample(serving, min(1, len(serving)))
            case _:
                return []

    def _everything(self) -> list[Process]:
        """Every process of the product."""
        with self._lock:
            return [process for started in self._containers.values() for process in self.processes(started)]

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[None]:
        """Have every process stand still inside, none of them in the middle of a write. The stopped ones stay so."""
        with self._lock:  # nothing is started meanwhile
            frozen: dict[int, Process] = {}
            deadline = time.monotonic() + STOPPED_WITHIN
            try:
                while moving := [each for each in self._everything() if not _is_stopped(each.pid)]:
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
                        self._restarts += running is not None
            time.sleep(LOOK_EVERY)

    def _until_it_answers(self, proxy: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        return proxy  # it may be struck before it does


def _is_stopped(pid: int) -> bool:
    """Whether it stands still, with all its threads."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in (PROC / f"{pid}/task").iterdir()
        ]
        return all(state in "TZX" for state in states)
    return True
