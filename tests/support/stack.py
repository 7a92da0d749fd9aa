"""The product on plain processes: the proxy under Gunicorn, worker and janitor under supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support import ROOT
from support.front_door import FrontDoor
from support.ports import free_port
from support.processes import Process, in_sessions
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.client import Simulator

PROGRAMS = Path(sys.executable).parent
PROXY = ["gunicorn", "--config", str(ROOT / "services/proxy/gunicorn.conf.py"), "proxy.wsgi:app"]


class Stack(FrontDoor):
    """A whole product in `folder`, spoken to through its front door. Variables are for its processes alone."""

    def __init__(
        self,
        folder: Path,
        simulator: Simulator,
        variables: Mapping[str, str] | None = None,
        *,
        inside: Sequence[str] = (),
    ) -> None:
        """`inside` are the words before each command, by which it runs on another machine."""
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.folder = folder
        self._simulator = simulator
        self._variables = {"DATABASE_URL": f"sqlite:///{folder / 'data/queue.db'}", **(variables or {})}
        self._inside = inside
        self._started: list[subprocess.Popen[bytes]] = []
        (folder / "tmp").mkdir(parents=True)

    @property
    def database_url(self) -> str:
        """Where its queue is."""
        return self._variables["DATABASE_URL"]

    def variables_of(self, name: str) -> Mapping[str, str]:
        """Give the variables of what is started under this name."""
        return self._variables

    # ---- starting ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; returns when the proxy answers, which is before the worker is there."""
        self.start_worker()
        self.start_proxy()

    def start_proxy(self, tree: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start it as its image does, or that of another tree of the repository."""
        return self._until_it_answers(self.begin_proxy(tree))

    def begin_proxy(self, tree: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start it, whether or not it will be healthy."""
        return self._run("proxy", [word.replace(str(ROOT), str(tree)) for word in PROXY], tree)

    def start_development_proxy(self) -> subprocess.Popen[bytes]:
        return self._until_it_answers(self._run("proxy", ["python", "-m", "proxy"]))

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start worker and janitor as their image does."""
        config = str(ROOT / "services/worker/supervisord.conf")
        return self._run(
            "worker",
            ["python", "-m", "worker.supervision", "-c", config, "-j", str(self.folder / "tmp/supervisord.pid")],
        )

    def start_lone_worker(self, tree: Path = ROOT, **variables: str) -> subprocess.Popen[bytes]:
        """Start a second worker, or that of another tree, with no supervisor and no janitor."""
        return self._run("lone-worker", ["python", "-m", "worker"], tree, **variables)

    def start_lone_janitor(self) -> subprocess.Popen[bytes]:
        """Start a janitor, with no supervisor."""
        return self._run("janitor", ["python", "-m", "worker.janitor"])

    # ---- operating --------------------------------------------------------------------------------------------------

    def operate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator on its queue."""
        return subprocess.run(
            [sys.executable, "-m", "promptqueue", *arguments],
            env={"PYTHONPATH": str(ROOT / "services/promptqueue/src"), "DATABASE_URL": self.database_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    # ---- looking ----------------------------------------------------------------------------------------------------

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def processes(self, started: subprocess.Popen[bytes] | None = None) -> list[Process]:
        """What runs of all that was started, or of one of them."""
        return in_sessions([started.pid] if started else [each.pid for each in self._started])

    def worker_process(self) -> Process:
        """The process that answers prompts."""
        return until(lambda: self._find("python -m worker"), "a worker runs")

    # ---- ending -----------------------------------------------------------------------------------------------------

    def kill(self, started: subprocess.Popen[bytes]) -> None:
        """SIGKILL it and everything that it started, all at once."""
        _kill([started])

    def stop(self) -> None:
        """End all of it at once: a test has seen what it wanted to see. Raises when something outlives it."""
        _kill(self._started)

    def _find(self, arguments: str) -> Process | None:
        return next((each for each in self.processes() if each.arguments.endswith(arguments)), None)

    def _until_it_answers(self, proxy: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        def answers() -> bool:
            assert proxy.poll() is None, self.log("proxy")
            return self.get("/healthz").status == 200

        until(answers, "the proxy answers")
        return proxy

    def _run(self, name: str, command: list[str], tree: Path = ROOT, **variables: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(self.folder / "tmp"),
            "OLLAMA_URLS": self._simulator.url,
            "BIND_ADDRESS": "127.0.0.1",
            "PROXY_PORT": str(self.port),
            **self.variables_of(name),
            **variables,
        }
        sources = [str(tree / "services" / part / "src") for part in ("promptqueue", "proxy", "worker")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*sources, self._variables.get("PYTHONPATH")]))
        program, *arguments = command
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(
                [*self._inside, str(PROGRAMS / program), *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(started)
        return started


def _kill(all_started: list[subprocess.Popen[bytes]]) -> None:
    def are_gone() -> bool:
        left = in_sessions([started.pid for started in all_started])
        for process in left:
            process.signal(signal.SIGKILL)
        for started in all_started:
            started.poll()
        return not left

    until(are_gone, "all that was started is gone")
