"""A real server, OpenAI's own client of it, and somebody who answers by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from promptqueue.prompt import Status
from responses_asked import client_of, in_background, record


@pytest.fixture(scope="module")
def server(serve_all):
    return serve_all()


@pytest.fixture(scope="module")
def client(server):
    return client_of(server)


@pytest.fixture
def queue(server, queue_at):
    return queue_at(server.database_url)


@pytest.fixture
def worker(server, hire_at):
    return hire_at(server.database_url)


@pytest.fixture
def meanwhile():
    """Run a call on a thread; gives its future."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


@pytest.fixture
def claim(worker, queue, until):
    """Claim the one prompt that is to come."""

    def claim():
        until(lambda: queue.newest(status=Status.QUEUED).prompts)
        return worker.claim()

    return claim


@pytest.fixture
def answer(claim, worker, meanwhile):
    """Ask with these fields, and have it answered with this record."""

    def answer(client, *args, **fields):
        asked = meanwhile(client.responses.create, model="llama3.2", **fields)
        worker.finish(claim(), record(*args))
        return asked.result(30)

    return answer


@pytest.fixture
def spoken(client, claim, worker):
    """A response in the background whose text was said in three pieces, and its claim."""
    response = in_background(client)
    running = claim()
    offset = 0
    for piece in ("one", " two", " three"):
        offset = worker.speak(running, piece, offset=offset, write=True)
    return response, running
