"""What the tests of Ollama's face share: what a worker read of the model, and calls that are held on a thread."""

import json
import sys
import threading
from pathlib import Path

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import Status
from simulator.client import Simulator
from support import machine
from support.front_nginx import FrontNginx
from support.stack import Stack
from support.waiting import until

sys.path.append(str(Path(__file__).parent))  # pytest imports without it, and the tests share a module

TAG = {
    "name": "llama3.2:latest", "model": "llama3.2:latest", "modified_at": "2026-11-23T10:19:46Z", "size": 1000,
    "digest": "4c8c", "details": {"format": "gguf", "context_length": 131072}, "capabilities": ["completion", "tools"],
}  # fmt: skip
FACTS = {"version": "0.33.0", "tag": TAG, "show": {"template": "x", "capabilities": []}, "context_length": 4096}


@pytest.fixture
def facts():
    return FACTS


@pytest.fixture
def describe(worker, queue):
    """Say for a worker how the model is; its facts are known unless told otherwise."""

    def describe(state=ModelState.READY, *, known=True, **more):
        model = Model(name="llama3.2", state=state, **more)
        facts = FACTS if known else None
        queue.describe_model(model, worker=worker.terms.worker, server="http://ollama:11434", facts=facts)

    return describe


class _Asking:
    def __init__(self, client, path, body, headers):
        self._ask = lambda: client.post(path, json=body, headers=headers)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        answer = self._ask()
        self._answer = answer
        self.chunks = list(answer.response)
        answer.close()

    def join(self):
        self._thread.join(30)

    @property
    def answer(self):
        self.join()
        return self._answer

    @property
    def json(self):
        self.join()
        return json.loads(b"".join(self.chunks))


@pytest.fixture
def asking(app):
    """Ask on a thread; gives who asks, whose `answer` there is once the prompt is answered."""
    started = []

    def ask(path, headers=None, **body):
        started.append(_Asking(app.test_client(), path, body, headers))
        return started[-1]

    yield ask
    for each in started:
        each.join()


@pytest.fixture
def queued(queue, until):
    """Wait for a prompt to be in line."""
    return lambda: until(lambda: queue.newest(status=Status.QUEUED).prompts)[0]


# ---- the whole product ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulator_of_all():
    with Simulator(models=["llama3.2"], text="one two three four five six", bytes_per_token=1) as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_of_all):
    """A model server that six words are answered by, as at its start."""
    simulator_of_all.reset()
    return simulator_of_all


@pytest.fixture(scope="module")
def stack(simulator_of_all, tmp_path_factory):
    """Proxy and worker, which have told of the model; whoever waits hears of it five times a second."""
    stack = Stack(tmp_path_factory.mktemp("product"), simulator_of_all, {"PATIENCE": "0.2"})
    try:
        stack.start()
        until(lambda: stack.get("/api/tags").json["models"], "the worker has told of the model")
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module", params=["the proxy", "nginx"])
def door(request, stack, tmp_path_factory):
    """Where clients ask: the proxy itself, and nginx in front of it."""
    if request.param == "the proxy":
        yield stack
    else:
        with FrontNginx(machine.nginx(), tmp_path_factory.mktemp("nginx"), f"127.0.0.1:{stack.port}") as nginx:
            yield nginx
