"""The product that the clients are tried on: real processes, and a simulator that answers everything with one text."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from typing import TYPE_CHECKING, Any

from simulator.client import Simulator
from support import ROOT
from support.front_nginx import FrontNginx
from support.stack import Stack
from support.waiting import until

from compatibility.relay import Relay

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

WORDS = "one two three four five six seven eight nine ten"
TOKENS = len(WORDS.split())
AT_ONCE = "64"
"""Prompts in work at the same time: every client is at the same point when something happens."""
IMPATIENT = {"PYTHONPATH": str(ROOT / "tests/e2e/impatient")}
"""What allows times that are shorter than anybody may set."""
PROMPTS = "SELECT prompts.* FROM prompts JOIN requests USING (seq) WHERE instr(request, ?) ORDER BY prompts.seq"
ENDED_WITHIN = 30.0  # seconds
COME_WITHIN = 60.0  # seconds in which all clients have asked; some are programs that have to start


class Trial:
    """The product, from `with` to its end. Clients ask at `url`; `relay` counts their requests."""

    def __init__(self, folder: Path, nginx: str | None = None, **variables: str) -> None:
        context = int(variables.get("OLLAMA_CONTEXT_LENGTH", "4096"))
        self.simulator = Simulator(text=WORDS, slots=int(AT_ONCE), context_length=context)
        self._folder = folder
        self._nginx_program = nginx
        self._variables = {"WORKER_CONCURRENCY": AT_ONCE, **variables}
        self._open = contextlib.ExitStack()
        self._proxy: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Trial:
        self._open.enter_context(self.simulator)
        self.stack = Stack(self._folder / "stack", self.simulator, self._variables)
        self._open.callback(self.stack.stop)
        self.stack.start_worker()
        self.start_proxy()
        self.relay = self._open.enter_context(Relay(self.stack.port))
        self.nginx = None
        if self._nginx_program:
            address = f"127.0.0.1:{self.stack.port}"
            self.nginx = FrontNginx(self._nginx_program, self._folder / "nginx", address)
            self._open.enter_context(self.nginx)
        self.until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # ---- where clients ask ------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self.stack.url

    @property
    def front(self) -> str:
        """The address of nginx."""
        assert self.nginx
        return self.nginx.url

    # ---- what is known of a prompt ----------------------------------------------------------------------------------

    def prompts(self, text: str) -> list[dict[str, Any]]:
        """Give all prompts that have this in their request, oldest first."""
        file = self.stack.folder / "data/queue.db"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute(PROMPTS, [text])
            return [dict(row) for row in rows]

    def until_accepted(self, text: str) -> str:
        """Wait until there is such a prompt; its id."""
        return str(until(lambda: self.prompts(text), f"{text!r} is accepted")[0]["id"])

    def until_in_work(self, *texts: str) -> None:
        """Wait until each of these was sent to the model's server."""

        def all_came() -> bool:
            asked = json.dumps([call["body"] for call in self.simulator.calls()])
            return all(text in asked for text in texts)

        until(all_came, f"{len(texts)} prompts are in work", COME_WITHIN)

    def until_ready(self) -> None:
        until(lambda: self.stack.get("/readyz").status == 200, "the product is ready", ENDED_WITHIN)

    def until_idle(self) -> None:
        """Wait until nothing is left to do."""

        def is_idle() -> bool:
            found = self.stack.get("/api/v1/queue")
            return found.status == 200 and found.json["queued"] + found.json["processing"] == 0

        until(is_idle, "nothing is left to do", ENDED_WITHIN)

    def reset(self) -> None:
        """Answer everything that still waits, and be as new."""
        self.simulator.reset()
        self.until_ready()
        self.until_idle()
        self.simulator.reset()

    @contextlib.contextmanager
    def held_back(self, text: str, **fault: Any) -> Iterator[None]:
        """Let calls that have this text hang, all of them, until this is over; what is asked again then is answered."""
        self.simulator.fault("hang_before_first_token", match=text, times=None, **fault)
        yield
        self.simulator.clear_faults()

    # ---- what goes wrong --------------------------------------------------------------------------------------------

    def kill_worker(self) -> None:
        self.stack.worker_process().signal(signal.SIGKILL)

    def start_proxy(self) -> None:
        self._proxy = self.stack.start_proxy()

    def kill_proxy(self) -> None:
        assert self._proxy
        self.stack.kill(self._proxy)

    def stop_proxy(self) -> None:
        """End it in good order."""
        proxy = self._proxy
        assert proxy
        proxy.terminate()
        until(lambda: self.stack.processes(proxy) == [], "the proxy has ended", ENDED_WITHIN)

    def replace_simulator(self) -> None:
        """Kill it, and have another one in its place."""
        self.simulator.kill()
        self.simulator.start()

    def kill_nginx(self) -> None:
        """End nginx and those that work for it, at once, and start it again."""
        assert self.nginx
        self.nginx.kill()
        self.nginx.start()
