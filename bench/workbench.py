"""What the rows share: a folder that goes with the run, the model server, stored queues, and the product itself."""

from __future__ import annotations

import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until

from bench.engines import Engine, PostgreSQLEngine, SQLiteEngine
from bench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANY_DEPTH = "100000000"
IN_MEMORY = Path("/dev/shm")

WORD = " word"
"""One token of the simulated model, and how it is told apart in a text."""


def end_on_a_signal() -> None:
    """Let SIGTERM end the run as Ctrl+C does: what was started is ended, what was written is cleared away."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


class Workbench:
    """Made for one run and cleared up after it. `quick` makes every row small: for trying things out.

    `postgres` is the URL of a server of PostgreSQL to measure; where it is empty, one is started.
    """

    def __init__(self, *, quick: bool = False, postgres: str = "") -> None:
        self.quick = quick
        self._postgres = postgres
        self.say: Callable[[str], None] = print
        self._ending = ExitStack()
        self.folder = Path(self._ending.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self._stored: dict[int, Stored] = {}

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.close()

    @cached_property
    def _simulator(self) -> Simulator:
        return self._ending.enter_context(Simulator(keep_alive="-1"))

    @cached_property
    def postgresql(self) -> PostgreSQLEngine:
        """The server of PostgreSQL, from its first use to the end of the run. Raises CannotRun where there is none."""
        return self._ending.enter_context(PostgreSQLEngine(self._postgres))

    def engines(self) -> tuple[Engine, Engine]:
        """Give both engines of the queue, as they are measured in turns. Raises CannotRun where one is missing."""
        return SQLiteEngine(self), self.postgresql

    def versions(self) -> dict[str, str]:
        """Tell what else was measured in this run, and its version."""
        return {"PostgreSQL": self.postgresql.version()} if "postgresql" in vars(self) else {}

    def few(self, many: int, quick: int) -> int:
        """Say how many of something to measure."""
        return quick if self.quick else many

    def model_server(self, *, tokens: int = 1, pace: float = 0.0, first: float = 0.0, slots: int = 1) -> Simulator:
        """Give the simulated model server, whose answers have so many tokens, the first after `first` seconds."""
        self._simulator.set(text=WORD * tokens, pace=pace, prompt_time=first, slots=slots)
        return self._simulator

    def stored(self, number: int) -> Stored:
        """Give a queue that holds so many answered prompts, and a tenth of it waiting. It is filled once in a run."""
        if number not in self._stored:
            self.say(f"storing {number:,} prompts")
            self._stored[number] = Stored.of(number, self.new_folder())
        return self._stored[number]

    def new_folder(self) -> Path:
        """Make a folder that goes with the run."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    @contextmanager
    def product(
        self, simulator: Simulator | None = None, *, worker: bool = True, url: str | None = None, **variables: str
    ) -> Iterator[Stack]:
        """Run the product on a database of its own, or the one at `url`, until its model is ready."""
        folder = self.new_folder()
        settings: dict[str, str] = {"MAX_QUEUE_DEPTH": ANY_DEPTH, **variables}
        if url:
            settings["DATABASE_URL"] = url
        if IN_MEMORY.is_dir():  # in the container it is a tmpfs as well
            settings["HEARTBEAT_PATH"] = str(IN_MEMORY / f"{folder.name}.heartbeat")
        stack = Stack(folder / "stack", simulator or self._simulator, settings)
        try:
            stack.start_proxy()
            if worker:
                stack.start_worker()
                until(lambda: stack.queue()["model"]["state"] == "ready", "the model is ready")
            yield stack
        finally:
            stack.stop()
            Path(settings.get("HEARTBEAT_PATH", folder / "none")).unlink(missing_ok=True)
