"""What the proxy's tests share: an application, the queue behind it, somebody who answers, and real servers."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from promptqueue import connect
from promptqueue.prompt import Answered, ErrorCode, Failed, Terms
from proxy.app import create_app, parts
from proxy.config import Config
from proxy.serving.concurrency import Concurrency
from support.engine import queue_url
from support.events import Follower, events_in
from support.waiting import until

sys.path.append(str(Path(__file__).parent))  # pytest imports without it, and the tests share a module

from servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = "http://ollama:11434"
RECORD = {"model": "llama3.2", "response": "Rayleigh.", "done": True, "done_reason": "stop", "eval_count": 3}


@pytest.fixture(name="until")
def _until():
    return until


# ---- the application, called without a server ----------------------------------------------------------------------


@pytest.fixture
def url(tmp_path):
    return queue_url(tmp_path)


@pytest.fixture
def make_app(url):
    """Make an application of threads; the values of its configuration can be changed."""
    with contextlib.ExitStack() as made:

        def make(**changed):
            app = create_app(Config(**{"database_url": url, **changed}), Concurrency())
            made.callback(parts(app).close)
            return app

        yield make


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def anybody(app):
    """Whoever asks without a key, while nobody needs one."""
    return parts(app).gate.keyring.without_key(is_own=True)


@pytest.fixture
def queue(url):
    """The queue as the worker sees it."""
    queue = connect(url).open()
    yield queue
    queue.close()


class Worker:
    """Answers prompts by hand."""

    def __init__(self, storage, queue, slots=1):
        self.queue = self._queue = queue
        self._presence = storage.register(slots=slots)
        self.terms = Terms(worker=self._presence.id, server=SERVER)

    def describe(self, model):
        """Say how the model is."""
        self._queue.describe_model(model, worker=self.terms.worker, server=SERVER)

    def claim(self):
        claim = self._queue.claim(self.terms)
        assert claim, "there was nothing to claim"
        return claim

    def speak(self, claim, *pieces, offset=0, write=False):
        """Say these pieces one after the other."""
        for piece in pieces:
            self._queue.stream_text(claim, piece, offset=offset)
            if write:
                self._queue.write(claim, piece, offset=offset, tokens=1)
            offset += len(piece)
        return offset

    def finish(self, claim, record=None):
        return self._queue.finish(claim, Answered(record=record or RECORD, tokens=3))

    def answer(self, record=None):
        return self.finish(self.claim(), record)

    def fail(self, code=ErrorCode.MODEL_REFUSED, cause="The model refused.", partial=""):
        claim = self.claim()
        if partial:
            self._queue.write(claim, partial, offset=0, tokens=1)
        return self._queue.finish(claim, Failed(cause=cause, code=code))

    def leave(self):
        """Be gone; what it holds is lost."""
        if self._presence:
            self._presence.leave()
        self._presence = None


@pytest.fixture
def record():
    """The final record that a worker's answers have."""
    return RECORD


@pytest.fixture
def service():
    """The folder of this service."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def queue_at():
    """Open the queue of this URL."""
    with contextlib.ExitStack() as opened:

        def queue_at(url):
            queue = connect(url).open()
            opened.callback(queue.close)
            return queue

        yield queue_at


@pytest.fixture
def hire_at():
    """Let a worker work at the queue of this URL."""
    with contextlib.ExitStack() as hired:

        def hire(url, journal_mode="auto"):
            storage = connect(url, journal_mode=journal_mode)
            queue = storage.open()
            hired.callback(queue.close)
            worker = Worker(storage, queue)
            hired.callback(worker.leave)
            return worker

        yield hire


@pytest.fixture
def worker(url, hire_at):
    return hire_at(url)


@pytest.fixture
def submit(client):
    """Hand in a prompt; its id."""

    def submit(text="Why is the sky blue?", **fields):
        answer = client.post("/api/v1/prompt", json={"prompt": text, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json["id"]

    return submit


# ---- events ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def follow():
    """Follow a path of an application that was made here."""

    def follow(client, path, **headers):
        answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == 200, answer.text
        lines = (line for chunk in answer.response for line in chunk.splitlines(keepends=True))
        return Follower(events_in(lines), answer.close)

    return follow


# ---- real servers ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Callable[..., Server]]:
    """Start servers in `folder`; what they said is shown if a test fails."""
    started: list[Server] = []

    def serve(kind="gevent", **variables):
        server = Server(kind, folder / f"server-{len(started)}", **variables)
        started.append(server)
        return server

    yield serve
    for server in started:
        server.kill()
        print(f"---- {server.kind}\n{server.log}")  # noqa: T201 (shown for a test that failed)


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., Server]]:
    """Start a server for one test."""
    with serving(tmp_path) as serve:
        yield serve


@pytest.fixture(scope="module")
def serve_all(tmp_path_factory) -> Iterator[Callable[..., Server]]:
    """Start a server for all tests of a file."""
    with serving(tmp_path_factory.mktemp("servers")) as serve:
        yield serve


@pytest.fixture(scope="session", params=["gevent", "threads"])
def server(request, tmp_path_factory) -> Iterator[Server]:
    """A server for all tests that leave it as it was, of either kind."""
    server = Server(request.param, tmp_path_factory.mktemp(request.param))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def gunicorn(tmp_path_factory) -> Iterator[Server]:
    """One Gunicorn for all tests that leave it as it was."""
    server = Server("gevent", tmp_path_factory.mktemp("gunicorn"))
    yield server
    server.kill()
