"""What the tests of held calls share: applications and servers with a tiny face, and who calls them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from promptqueue.prompt import Status
from proxy.app import parts
from proxy.calls.held_calls import HeldCalls

sys.path.append(str(Path(__file__).parent))  # pytest imports without it, and servers need it too

from tiny import tiny
from wire import Wire

MODULES = {"gevent": "tiny_wsgi:app", "threads": "tiny_main"}


@pytest.fixture
def tiny_app(make_app):
    """Make an application with the tiny face."""

    def make(**changed):
        app = make_app(**changed)
        app.register_blueprint(tiny(parts(app), HeldCalls(parts(app))))
        return app

    return make


@pytest.fixture
def client(tiny_app):
    return tiny_app().test_client()


class Asking:
    """Asks on a thread."""

    def __init__(self, client, headers, body):
        self._client, self._headers, self._body = client, headers, body
        self._answer = None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self):
        answer = self._client.post("/tiny", json=self._body, headers=self._headers)
        answer.get_data()
        answer.close()
        self._answer = answer

    def join(self):
        self._thread.join(30)

    @property
    def is_over(self):
        return not self._thread.is_alive()

    @property
    def result(self):
        """The whole answer, once it is there."""
        self.join()
        return self._answer


@pytest.fixture
def asking(client):
    """Ask on a thread; gives who asks."""
    started = []

    def ask(*, at=None, headers=None, **body):
        started.append(Asking((at or client).application.test_client(), headers or {}, body))
        return started[-1]

    yield ask
    for each in started:
        each.join()


@pytest.fixture
def in_line(until):
    """Wait for so many prompts to be in this queue's line; they come back, the first one first."""

    def look(queue, count=1):
        return until(lambda: len(page := queue.newest(status=Status.QUEUED).prompts) == count and page[::-1])

    return look


@pytest.fixture
def queued(queue, in_line):
    """Wait for the prompt to be in line."""
    return lambda: in_line(queue)[0]


@pytest.fixture
def serve_tiny(serve):
    """Start a server with the tiny face."""

    def start(kind, **variables):
        return serve(kind, module=MODULES[kind], **variables)

    return start


@pytest.fixture(scope="module", params=list(MODULES))
def served(request, serve_all):
    """A server with the tiny face for all tests of a file, of either kind."""
    return serve_all(request.param, module=MODULES[request.param], PATIENCE="0.3", WHOLE_PATIENCE="0.3")


@pytest.fixture
def at_work(served, hire_at):
    """Its worker."""
    return hire_at(served.database_url)


@pytest.fixture
def call():
    """Call a server's tiny face, and hang up in the end."""
    made = []

    def call(server, *arguments, **body):
        made.append(Wire(server.port, *arguments, **body))
        return made[-1]

    yield call
    for each in made:
        each.close()
