"""What the worker's tests share: a queue of their own, processes of their own, and waiting with a deadline."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from promptqueue import connect
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import NewPrompt, Prompt, Status
from promptqueue.settings import read
from promptqueue.sqlite.file.engine import sqlite3  # a process opens a file through one module alone
from simulator.client import Simulator
from support.postgres import PostgresServer, postgres_server, programs
from support.waiting import DEADLINE, until
from worker.config import Config
from worker.main import Worker
from worker.server import breaker, gate, prober, puller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any


@pytest.fixture
def environ(tmp_path) -> dict[str, str]:
    """The environment of the processes under test: their own database, heartbeat and quick deadlines."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/data/queue.db",
        "HEARTBEAT_PATH": str(tmp_path / "heartbeat"),
        "LOG_LEVEL": "debug",
    }


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL, for those whose queue is to lie there."""
    if programs() is None:
        pytest.skip("PostgreSQL's server is not installed")
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture
def storage(environ):
    """What keeps the queue, as a client sees it."""
    with contextlib.closing(connect(environ["DATABASE_URL"])) as storage:
        yield storage


@pytest.fixture
def queue(storage):
    """The queue, as a client sees it."""
    queue = storage.open()
    yield queue
    queue.close()


class Process:
    """A process under test, its output in a file."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:  # appended to: supervisord opens it once more for its programs
            self._popen = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
        self.pid = self._popen.pid

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def ends(self, *, within: float) -> int:
        """Wait for its end; its exit code."""
        return self._popen.wait(within)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
            self._popen.kill()
        self._popen.wait()


@pytest.fixture
def start(environ, tmp_path) -> Iterator[Callable[..., Process]]:
    """Start a process; it is killed when the test is over, and what it said is shown if the test fails."""
    started: list[Process] = []

    def start(*command: str, **changed: object) -> Process:
        log = tmp_path / f"output-{len(started)}.log"
        variables = environ | {name: str(value) for name, value in changed.items()}
        process = Process([sys.executable, *command], variables, log)
        started.append(process)
        return process

    yield start
    for process in reversed(started):
        process.kill()
        print(f"---- process {process.pid}\n{process.output}")  # noqa: T201 (shown for a test that failed)


class Ollama(Simulator):
    """The simulator, with what these tests ask of it."""

    def asked(self, path: str | None = None) -> list[Mapping[str, Any]]:
        """The bodies of the calls that asked for an answer, oldest first."""
        return [call["body"] for call in self.calls() if path in (None, call["path"])]

    def others(self, what: str) -> int:
        """How many requests came that asked for no answer."""
        return sum(count for name, count in self.state()["others"].items() if what in name)

    @property
    def left(self) -> int:
        """How many calls were left by their client before their end."""
        return sum(call["end"] == "client_closed" for call in self.calls())


@pytest.fixture(scope="session")
def _ollama() -> Iterator[Ollama]:
    with Ollama() as ollama:
        yield ollama


@pytest.fixture
def ollama(_ollama) -> Ollama:
    """A model server in a process of its own, as if newly started."""
    if not _ollama.is_alive:
        _ollama.start()
    _ollama.reset()
    return _ollama


@pytest.fixture
def spawn(start, ollama):
    """Start a worker as a process of its own, which asks the simulator, with these variables besides."""
    return lambda **variables: start("-m", "worker", **{"OLLAMA_URLS": ollama.url} | variables)


@pytest.fixture
def signals() -> Iterator[SimpleNamespace]:
    """Nobody asks the worker to end, until the test is over."""
    over = threading.Event()
    yield SimpleNamespace(wait=lambda seconds: 2 * over.wait(seconds), end=over.set)  # the second one ends the drain
    over.set()


@pytest.fixture
def worker(environ, ollama, signals, monkeypatch):
    """Run a worker in this process, with these variables, and these fields of its Config, be they out of bounds."""
    monkeypatch.setenv("HEARTBEAT_PATH", environ["HEARTBEAT_PATH"])
    threads = []

    def worker(**settings: object) -> None:
        variables = {name: str(value) for name, value in settings.items() if name.isupper()}
        fields = {name: value for name, value in settings.items() if not name.isupper()}
        config = dataclasses.replace(read(Config, environ | {"OLLAMA_URLS": ollama.url} | variables), **fields)
        threads.append(threading.Thread(target=Worker(config, signals).run))
        threads[-1].start()

    yield worker
    signals.end()
    for thread in threads:
        thread.join(10)


@pytest.fixture
def ready(worker, model_is):
    """Run a worker, and wait until it knows that the model is there."""

    def ready(**settings: object) -> None:
        worker(**settings)
        model_is(ModelState.READY)

    return ready


@pytest.fixture
def hurried(monkeypatch):
    """Let the workers of this process wait a fifth of what others wait between two questions or tries."""
    of_prober = ((prober, name) for name in ("ASK_IDLE_EVERY", "ASK_BUSY_EVERY", "ASK_AGAIN_AFTER", "TURN_EVERY"))
    for module, name in ((gate, "ASK_EVERY"), (breaker, "FIRST_PAUSE"), (puller, "FIRST_BACKOFF"), *of_prober):
        monkeypatch.setattr(module, name, getattr(module, name) / 5)


@pytest.fixture
def model_is(queue):
    """Wait until everybody may read that the model is in this state; the model then."""

    def model_is(state: ModelState, within: float = DEADLINE) -> Model:
        return until(lambda: (model := queue.model()) and model.state is state and model, f"the state {state}", within)

    return model_is


@pytest.fixture
def ask(queue):
    """Hand a prompt in."""

    def ask(text: str | None = None, *, timeout: float | None = None, **request: object) -> Prompt:
        asked = request if text is None else {"prompt": text, **request}
        return queue.enqueue(NewPrompt(request=asked, timeout=timeout))[0].prompt

    return ask


@pytest.fixture
def begun(queue, ask):
    """Hand a prompt in, and wait until some of its answer is kept."""

    def begun(text: str = "Hi", **request: object) -> Prompt:
        prompt = ask(text, **request)
        until(lambda: queue.partial(prompt.id), what="the first text")
        return prompt

    return begun


@pytest.fixture
def completed(queue):
    """Wait for a prompt's end."""

    def completed(prompt: Prompt, *, within: float = 60) -> Prompt:
        until(lambda: queue.get(prompt.id).status is Status.COMPLETED, within=within, what=f"the end of {prompt.id}")
        return queue.get(prompt.id)

    return completed


@pytest.fixture
def deaf():
    """The address of a server that lets nobody connect: its queue of connections is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
            fillers.append(filler)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for filler in fillers:
            filler.close()


@pytest.fixture
def onlooker(queue, tmp_path):
    """A number that changes whenever anybody writes to the database."""
    connection = sqlite3.connect(tmp_path / "data" / "queue.db")
    yield lambda: connection.execute("PRAGMA data_version").fetchone()[0]
    connection.close()


@pytest.fixture
def locked(queue, tmp_path):
    """Keep everybody from writing to the database."""

    @contextlib.contextmanager
    def locked():
        connection = sqlite3.connect(tmp_path / "data" / "queue.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()

    return locked
