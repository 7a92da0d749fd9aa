"""What the tests of the official client share: a server that is its only one, and a model that does as it is told."""

from __future__ import annotations

import threading

import openai
import pytest


@pytest.fixture(scope="module")
def server(serve_all):
    return serve_all()


@pytest.fixture
def worker(server, hire_at):
    return hire_at(server.database_url)


@pytest.fixture
def client_of():
    """Make a client of this server."""
    made = []

    def client_of(server, **settings):
        made.append(openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", **{"timeout": 60, **settings}))
        return made[-1]

    yield client_of
    for client in made:
        client.close()


@pytest.fixture
def client(server, client_of):
    return client_of(server)


@pytest.fixture
def count(worker):
    """How many prompts there have been since the test began."""
    before = {prompt.id for prompt in worker.queue.newest().prompts}
    return lambda: len({prompt.id for prompt in worker.queue.newest().prompts} - before)


@pytest.fixture
def model(worker, until):
    """Let a model do this with the prompts to come, one after the other; what it was asked."""
    threads = []

    def model(*deeds):
        asked = []

        def work():
            for deed in deeds:
                claim = until(lambda: worker.queue.claim(worker.terms))
                asked.append(claim.request)
                deed(worker, claim)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return asked

    yield model
    for thread in threads:
        thread.join(30)
