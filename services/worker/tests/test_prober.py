"""A server's prober goes on whatever the server says, and shuts and opens its gate by what it finds."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from promptqueue.condition import ModelState
from promptqueue.settings import read
from support.waiting import stays, until
from worker.config import Config
from worker.drain import Drain
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.server.prober import Prober
from worker.server.server import Server
from worker.server.verdict import Verdict

pytestmark = pytest.mark.usefixtures("hurried")


def state(queue):
    return queue.model() and queue.model().state


class Says:
    """A model server that has the model; a test has it say something else."""

    def __init__(self, **says):
        self.says = {
            "version": lambda: "0.34.3",
            "lists": lambda _: True,
            "loaded": lambda _: None,
            "tag": lambda _: {"name": "llama3.2:latest"},
            "show": lambda _: {"template": "{{ .Prompt }}"},
        } | says
        self.asked = Counter()

    def __getattr__(self, name):
        def ask(*arguments, **_):
            self.asked[name] += 1
            return self.says[name](*arguments)

        return ask


@pytest.fixture
def presence(storage):
    with storage.register(slots=1) as presence:
        yield presence


@pytest.fixture
def keep(environ, storage, queue, presence):
    """Keep the model on what a server says; the prober ends with the test."""
    config, started = read(Config, environ), []

    def keep(says, *, pull=False):
        drain = Drain()
        server = Server(config.ollama_urls[0], config, drain=drain)
        loop = Prober(0, server=server, ollama=says, may_pull=pull, worker=presence.id, storage=storage, drain=drain)
        server.gate.admit(2)
        started.append((drain, loop))
        loop.start()
        return server

    yield keep
    for drain, loop in started:
        drain.begin(0)
        loop.wake()
        loop._thread.join(10)


def test_a_server_that_cannot_say_what_it_runs_on_is_ready_all_the_same(queue, keep, model_is):
    def fail(_):
        raise OllamaFailed(CallEnd(kind=EndKind.REJECTED, status=500, words="boom"))

    says = Says(loaded=fail)
    server = keep(says)
    server.spoke()

    until(lambda: says.asked["loaded"] > 1)

    model_is(ModelState.READY)
    assert server.gate.is_well


def test_whatever_a_server_says_the_prober_goes_on(queue, keep, caplog):
    says = Says(lists=lambda _: len(5))
    server = keep(says)

    until(lambda: says.asked["lists"] > 2)

    assert state(queue) is ModelState.UNREACHABLE
    assert "TypeError" in queue.model().detail
    assert caplog.text.count("Traceback") == 1
    says.says["lists"] = lambda _: True
    until(lambda: server.gate.is_well and state(queue) is ModelState.READY)


def test_a_download_that_leaves_no_model_is_one_that_failed(queue, keep):
    says = Says(lists=lambda _: False, pull=lambda *_: (record for record in [{"status": "success"}]))
    server = keep(says, pull=True)

    until(lambda: says.asked["version"] > 6, within=15)

    assert (server.gate.is_well, state(queue)) == (False, ModelState.MISSING)
    assert "is tried again: it ended well, and yet" in queue.model().detail
    assert says.asked["pull"] < says.asked["version"] - 2  # not each time: what failed is tried ever more seldom


def test_files_that_a_download_did_not_mend_are_not_downloaded_again_at_once(keep):
    says = Says(pull=lambda *_: (record for record in [{"status": "success"}]), show=lambda _: None)
    server = keep(says, pull=True)
    for _ in range(3):
        until(lambda: server.gate.is_well)
        server.gate.shut(Verdict.STORE_BROKEN, "invalid file magic")
    until(lambda: server.gate.is_well)

    assert says.asked["pull"] == 1


def test_what_answers_and_cannot_serve_has_to_load_the_model_before_it_is_believed(queue, keep):
    fails = OllamaFailed(
        CallEnd(kind=EndKind.REJECTED, status=500, words="cudaMalloc failed: out of memory", in_json=True)
    )

    def fail(_):
        raise fails

    says = Says(load=fail)
    server = keep(says)
    until(lambda: server.gate.is_well)
    server.gate.shut(Verdict.TROUBLED, "out of memory", by_load=True)

    until(lambda: says.asked["load"] > 2)
    assert (server.gate.is_well, state(queue)) == (False, ModelState.TROUBLED)
    assert queue.model().detail == "cudaMalloc failed: out of memory"

    says.says["load"] = lambda _: None
    until(lambda: server.gate.is_well and state(queue) is ModelState.READY, within=5)


@pytest.mark.parametrize(
    "end",
    [
        CallEnd(kind=EndKind.UNANSWERED, words="no answer within 10 s"),
        CallEnd(kind=EndKind.GIBBERISH),
        CallEnd(kind=EndKind.REJECTED, status=400, words="prompt is required", in_json=True),
    ],
    ids=["loads for long", "answers in another form", "wants a prompt"],
)
def test_a_server_of_which_a_load_proves_nothing_gets_one_prompt_to_try(keep, end):
    def proves_nothing(_):
        raise OllamaFailed(end)

    server = keep(Says(load=proves_nothing))
    until(lambda: server.gate.is_well)
    server.gate.shut(Verdict.TROUBLED, "busy", by_load=True)

    assert server.gate.may_claim("one slot", 10)
    assert not server.gate.may_claim("another", 0)
    server.gate.done("one slot")
    assert server.gate.may_claim("another", 0)


def test_a_server_that_asks_to_be_left_alone_is_asked_no_earlier(queue, keep, model_is):
    says = Says(load=lambda _: None)
    server = keep(says)
    until(lambda: server.gate.is_well)

    server.gate.shut(Verdict.TROUBLED, "answered 429: Too Many Requests", retry_after=1, by_load=True)

    model_is(ModelState.TROUBLED, within=2)
    assert 0 < queue.model().retry_at - time.time() <= 1
    stays(lambda: says.asked["load"] == 0, seconds=0.6)
    until(lambda: server.gate.is_well, within=5)


def test_beside_a_call_the_server_is_asked_too_and_a_gap_is_forgiven_once(queue, keep, model_is):
    def fail(_):
        raise OllamaFailed(CallEnd(kind=EndKind.NOT_CONNECTED, words="No route to host"))

    says = Says()
    server = keep(says)
    until(lambda: server.gate.is_well)
    with server.called():
        asked = says.asked["lists"]
        says.says["lists"] = fail

        model_is(ModelState.UNREACHABLE, within=15)
        assert says.asked["lists"] == asked + 2


def test_while_it_is_well_and_idle_it_is_asked_once_in_fifteen_seconds(keep):
    says = Says()
    keep(says)
    until(lambda: says.asked["loaded"])  # the last that is asked of a server which has become well
    asked = says.asked.total()

    stays(lambda: says.asked.total() == asked, seconds=1.4)


def test_a_word_that_was_cleared_away_is_said_again(queue, keep, model_is):
    keep(Says())
    model_is(ModelState.READY)

    queue._database.run("DELETE FROM models")

    model_is(ModelState.READY)
