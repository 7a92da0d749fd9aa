"""What the proxy's tests share: an application, the queue behind it, somebody who answers, and real servers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from promptqueue import connect
from promptqueue.prompt import Answered, ErrorCode, Failed, Terms
from proxy.app import create_app, parts
from proxy.concurrency import Threads
from proxy.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICE = Path(__file__).resolve().parents[1]
DEADLINE = 20.0  # seconds
RECORD = {"model": "llama3.2", "response": "Rayleigh.", "done": True, "done_reason": "stop", "eval_count": 3}


def until(happens: Callable[[], Any], *, within: float = DEADLINE) -> Any:
    """Wait until `happens` gives something true, and give that."""
    deadline = time.monotonic() + within
    while not (found := happens()):
        assert time.monotonic() < deadline, f"did not happen within {within} s"
        time.sleep(0.005)
    return found


@pytest.fixture(name="until")
def _until():
    return until


# ---- the application, called without a server ----------------------------------------------------------------------


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/data/queue.db"


@pytest.fixture
def make_app(url):
    """Make an application of threads; the values of its configuration can be changed."""
    with contextlib.ExitStack() as made:

        def make(**changed):
            app = create_app(Config(**{"database_url": url, **changed}), Threads())
            made.callback(parts(app).close)
            return app

        yield make


@pytest.fixture
def client(make_app):
    return make_app().test_client()


@pytest.fixture
def queue(url):
    """The queue as the worker sees it."""
    queue = connect(url)
    yield queue
    queue.close()


class Worker:
    """Answers prompts by hand."""

    def __init__(self, queue, slots=1):
        self.queue = self._queue = queue
        self._presence = queue.register(slots=slots)
        self.terms = Terms(worker=self._presence.id)

    def claim(self):
        claim = self._queue.claim(self.terms)
        assert claim, "there was nothing to claim"
        return claim

    def speak(self, claim, *pieces, offset=0, write=False):
        """Say these pieces one after the other."""
        for piece in pieces:
            self._queue.tell(claim, piece, offset=offset)
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
    return SERVICE


@pytest.fixture
def queue_at():
    """Open the queue of this URL."""
    with contextlib.ExitStack() as opened:

        def queue_at(url):
            queue = connect(url)
            opened.callback(queue.close)
            return queue

        yield queue_at


@pytest.fixture
def hire_at():
    """Let a worker work at the queue of this URL."""
    with contextlib.ExitStack() as hired:

        def hire(url, journal_mode="auto"):
            queue = connect(url, journal_mode=journal_mode)
            hired.callback(queue.close)
            worker = Worker(queue)
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


@dataclass(frozen=True)
class Event:
    id: str
    kind: str
    data: dict[str, Any]


def events_in(lines):
    """Take server-sent events apart as they come; a comment is an event without an id."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif fields:
            is_comment = set(fields) == {":"}
            yield (
                Event("", "comment", {})
                if is_comment
                else Event(fields["id"], fields["event"], json.loads(fields["data"]))
            )
            fields = {}


def told(events, prompt_id=None):
    """Put the text together that these events tell, as a client does: a higher attempt starts anew."""
    attempt, text = 0, ""
    for event in events:
        if event.kind == "token" and event.data.get("id") == prompt_id:
            assert event.data["attempt"] >= attempt
            text = (text if event.data["attempt"] == attempt else "") + event.data["text"]
            attempt = event.data["attempt"]
    return text


class Follower:
    """Reads a stream of events in a thread, as they come."""

    def __init__(self, lines, close=lambda: None):
        self.events: list[Event] = []
        self.at: list[float] = []
        self.close = close
        self._thread = threading.Thread(target=self._read, args=[lines], daemon=True)
        self._thread.start()

    def _read(self, lines):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):  # closed by the test
            for event in events_in(lines):
                self.events.append(event)
                self.at.append(time.monotonic())

    @property
    def kinds(self):
        return [event.kind for event in self.events]

    @property
    def positions(self):
        return [event.data["position"] for event in self.events if event.kind == "status"]

    @property
    def text(self):
        return told(self.events)

    @property
    def is_over(self):
        return not self._thread.is_alive()

    def end(self):
        """Wait until the stream has ended; all its events."""
        self._thread.join(DEADLINE)
        assert self.is_over, f"still open after {self.events}"
        return self.events


@pytest.fixture
def follow():
    """Follow a path of an application that was made here."""

    def follow(client, path, **headers):
        answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == 200, answer.text
        return Follower(_lines(answer.response), answer.close)

    return follow


def _lines(chunks):
    for chunk in chunks:
        yield from chunk.splitlines(keepends=True)


# ---- real servers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def code(self):
        return self.json["error"]["code"]


class Server:
    """A real process that serves the proxy on a free port: `gevent` under Gunicorn, `threads` by `python -m proxy`."""

    def __init__(self, kind, folder, *, starts=True, **variables):
        self.kind = kind
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.url = f"sqlite:///{folder}/data/queue.db"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._log = folder / "log"
        gunicorn = ["gunicorn", "--config", str(SERVICE / "gunicorn.conf.py"), "proxy.wsgi:app"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "DATABASE_URL": self.url,
            "PROXY_PORT": str(self.port),
            **{name: str(value) for name, value in variables.items()},
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(gunicorn if kind == "gevent" else ["proxy"])],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        if starts:
            until(self._answers)

    def _answers(self):
        assert self.process.poll() is None, self.log
        try:
            return self.get("/healthz").status
        except OSError:
            return False

    @property
    def log(self):
        return self._log.read_text()

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, json.dumps(body) if isinstance(body, dict) else body, **headers)

    def call(self, method, path, body=None, *, timeout=70, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def follow(self, path, **headers):
        """Follow a stream of events."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return Follower(answer, connection.close)

    def unread(self, path):
        """Ask for a stream of events and read nothing of it."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return connection

    @property
    def workers(self):
        """The processes that serve."""
        if self.kind != "gevent":
            return [self.process.pid]
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def raw(self, data, *, end=False, timeout=10):
        """Send bytes as they are, with `end` no more after them; what came back until the server closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if end:
                with contextlib.suppress(OSError):  # it may have answered and closed already
                    connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Reply(answer.status, dict(answer.headers), answer.read())

    @property
    def serving(self):
        """How many connections it has whose requests it has read whole."""
        port = f":{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(row[1].endswith(port) and row[3] == "01" and row[4].endswith(":00000000") for row in rows[1:])

    def submit(self, text="Why is the sky blue?"):
        reply = self.post("/api/v1/prompt", {"prompt": text})
        assert reply.status == 202, reply.data
        return reply.json["id"]

    def stop(self):
        """Tell it to stop and wait for its end; the seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        return time.monotonic() - start

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


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
