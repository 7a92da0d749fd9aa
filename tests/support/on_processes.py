"""The product on plain processes: nginx, Gunicorn, supervisor, worker, and the simulator in Ollama's place."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from simulator.client import Simulator

from support.front_nginx import FrontNginx
from support.product import Product
from support.stack import Stack
from support.waiting import until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

WORDS = " ".join(f"word{number}" for number in range(400))
ENDS_WITHIN = 30.0  # seconds


class OnProcesses(Product):
    """Everything in `folder`, each part in a session of its own."""

    def __init__(self, folder: Path, nginx: str) -> None:
        self._folder = folder
        self._ollama = Simulator(text=WORDS, pace=0.02, pull_time=6, models=[]).start()
        self._stack = Stack(folder / "stack", self._ollama)
        self._nginx = FrontNginx(nginx, folder / "nginx", f"127.0.0.1:{self._stack.port}")
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        super().__init__(frontend_port=self._nginx.port, proxy_port=self._stack.port)

    def start(self) -> None:
        self._start("worker")
        self._start("proxy")
        self._nginx.start()

    def stop(self) -> None:
        self._nginx.stop()
        self._end("proxy", signal.SIGTERM)
        self._end("worker", signal.SIGTERM)

    def erase(self) -> None:
        self._nginx.stop()
        self._stack.stop()
        shutil.rmtree(self._folder / "stack/data")
        self._ollama.reset()

    def restart(self, part: str) -> None:
        self._end(part, signal.SIGTERM)
        self._start(part)

    def kill(self, part: str) -> None:
        self._end(part, signal.SIGKILL)
        self._start(part)

    def leave_nothing(self) -> None:
        """End everything at once."""
        self._nginx.stop()
        self._stack.stop()
        self._ollama.kill()

    def _start(self, part: str) -> None:
        match part:
            case "proxy":
                self._running[part] = self._stack.start_proxy()
            case "worker":
                self._running[part] = self._stack.start_worker()
            case "ollama":
                self._ollama.start()
                self._ollama.set(models=["llama3.2"])  # a real one finds it on its disk

    def _end(self, part: str, number: signal.Signals) -> None:
        match part, number:
            case "ollama", signal.SIGKILL:
                self._ollama.kill()
            case "ollama", _:
                self._ollama.stop()
            case _, signal.SIGKILL:
                self._stack.kill(self._running[part])
            case _:
                process = self._running[part]
                process.terminate()
                until(lambda: self._stack.processes(process) == [], f"{part} has ended", ENDS_WITHIN)
