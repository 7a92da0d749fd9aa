"""The product in containers, as the unmodified compose.yaml starts it; in Ollama's place the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.client import QUICK
from support.composed import Composed, docker
from support.ports import free_port

from chaos.container import Container, Inside, ProcessInside, asked
from chaos.database import contents
from chaos.history import now
from chaos.keeper import Keeper
from chaos.plan import Part
from chaos.target import SIMULATOR, VARIABLES, Remains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.plan import Blow
    from chaos.target import Victim

OVERRIDE = Path(__file__).resolve().parent / "compose.simulator.yaml"
JOURNAL = "/models/calls.jsonl"  # in a volume, which outlives the container's ends
DATA = "/data"


class Contained:
    """The containers of proxy, frontend and model server, and two of the worker."""

    postgres = None
    clock = None  # containers have the machine's, which is never touched
    slowness = 1.5  # a container of the proxy takes up to five seconds when all are busy

    def __init__(self, folder: Path, *, room: int, journal_mode: str = "auto") -> None:
        self._folder = folder
        self.room = room
        self.ports = [free_port()]
        self._stack = Composed(OVERRIDE, proxy_port=self.ports[0])
        name = self._stack.name
        self._proxy, self._worker, self._other_worker = (
            Container(f"{name}-{each}") for each in ("proxy-1", "worker-1", "worker-2")
        )
        self.ollama = Container(f"{name}-ollama")
        self._keeper = Keeper([self._proxy, self._worker, self._other_worker])
        options = {**QUICK, **SIMULATOR, "host": "0.0.0.0", "journal": JOURNAL}
        self._variables = {
            **VARIABLES,
            "JOURNAL_MODE": journal_mode,
            "MAX_STORED_BYTES": str(room),
            "SIMULATOR_OPTIONS": " ".join(f"--{key.replace('_', '-')}={value}" for key, value in options.items()),
        }

    @property
    def restarts(self) -> str:
        return self._keeper.restarts

    def start(self) -> None:
        """Build the images, start everything and keep it running."""
        self._stack.build()
        self._stack.compose("up", "--detach", "--scale", "worker=2", **self._variables)
        self._keeper.start()

    def victims(self, part: Part, blow: Blow) -> Sequence[Victim]:
        """Name the container that the part is. Two parts stand for crashes, after which Docker restarts it itself."""
        container, victim = self._struck(part)
        return [victim] if container.is_running else []

    def copy(self, folder: Path) -> float:
        with self._keeper.frozen():
            self._fetch(folder)
            return now()

    def python_beside_the_database(self) -> list[str]:
        own = [
            "--name",
            f"{self._stack.name}-onlooker",
            "--network",
            "none",
            "--volume",
            f"{self._stack.name}_queue:{DATA}",
        ]
        image = docker("inspect", "--format", "{{.Config.Image}}", self._worker.name).strip()
        command = ["docker", "run", "--interactive", "--init", "--rm", *own, image]
        return [*command, "python", "-", f"{DATA}/queue.db"]

    def end(self) -> Remains:
        self._keeper.end()
        data, journal = self._folder / "data", self._folder / "calls.jsonl"
        try:
            self._stack.compose("stop")
            data.mkdir()
            self._fetch(data)
            docker("cp", f"{self.ollama.name}:{JOURNAL}", str(journal))
            logs = {service: self._stack.log(service) for service in ("frontend", "ollama", "proxy", "worker")}
            for service, log in logs.items():
                (self._folder / f"{service}.log").write_text(log)
        finally:
            asked("rm", "--force", f"{self._stack.name}-onlooker")
            self._stack.leave_nothing()
        return Remains(stored=contents(data / "queue.db"), journal=journal, worker_logs=[logs["worker"]])

    def _struck(self, part: Part) -> tuple[Container, Victim]:
        match part:
            case Part.PROXY:
                return self._proxy, self._proxy
            case Part.WORKER:
                return self._worker, self._worker
            case Part.OTHER_WORKER:
                return self._other_worker, self._other_worker
            case Part.PROXYS_CONTAINER:
                return self._proxy, Inside(self._proxy)
            case Part.WORKERS_CONTAINER:
                return self._worker, Inside(self._worker)
            case Part.JANITOR:
                return self._worker, ProcessInside(self._worker, "-m worker.janitor")
            case _:
                message = f"{part} is no container's"
                raise ValueError(message)

    def _fetch(self, folder: Path) -> None:
        """Copy what is in the queue's volume, whether or not its containers run."""
        docker("cp", f"{self._proxy.name}:{DATA}/.", str(folder))
