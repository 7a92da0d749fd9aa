"""The model is kept present, its state is known to all, and prompts wait for it at no cost."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome, Status
from worker.drain import Drain
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.server.bulletin import Bulletin
from worker.server.model import ASK_IDLE_EVERY, ModelKeeper
from worker.server.server import Server
from worker.server.verdict import Verdict


def state(queue):
    return queue.model() and queue.model().state


def test_a_missing_model_is_downloaded_while_prompts_wait(worker, ollama, queue, ask, completed, wait_until):
    ollama.set(models=[], pull_time=1.5)
    prompt = ask("Hi")
    worker()
    percents = []

    def is_ready():
        model = queue.model()
        if model and model.state is ModelState.DOWNLOADING:
            percents.append(model.percent)
        return model and model.state is ModelState.READY

    wait_until(is_ready, within=15)

    assert percents == sorted(percents)
    assert len(set(percents)) > 5
    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 1, 0)


def test_a_download_that_fails_is_tried_again_and_says_why(worker, ollama, queue, wait_until):
    ollama.set(models=[], pull_error="no_host")
    worker()

    wait_until(lambda: state(queue) is ModelState.MISSING and "no such host" in queue.model().detail, within=10)
    ollama.set(pull_error="", pull_time=0.2)

    wait_until(lambda: state(queue) is ModelState.READY, within=10)


def test_a_download_that_broke_off_goes_on_where_it_was(worker, ollama, queue, wait_until):
    ollama.set(models=[], pull_time=1.0, pull_error="server_error", pull_error_at=0.5)
    worker()
    wait_until(lambda: state(queue) is ModelState.MISSING and queue.model().detail, within=10)

    ollama.set(pull_error="")

    first = []
    wait_until(
        lambda: (
            queue.model().state is ModelState.DOWNLOADING
            and queue.model().percent
            and first.append(queue.model().percent) is None
        ),
        within=10,
    )
    assert first[0] >= 45


def test_nothing_is_downloaded_when_that_is_forbidden(worker, ollama, queue, ask, completed, wait_until):
    ollama.set(models=[])
    prompt = ask("Hi")
    worker(OLLAMA_PULL="never")
    wait_until(lambda: state(queue) is ModelState.MISSING, within=10)

    ollama.set(models=["llama3.2"])

    assert completed(prompt).attempt == 1
    assert ollama.others("/api/pull") == 0


def test_a_model_that_vanishes_is_downloaded_at_no_cost_to_the_prompt(worker, ollama, ask, completed, wait_until):
    ollama.set(pull_time=0.3)
    process = worker()
    wait_until(lambda: "model ready" in process.output, within=10)
    ollama.fault("model_gone")

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)
    assert ollama.others("/api/pull") == 1


def test_a_model_that_vanishes_while_nobody_asks_is_downloaded_before_somebody_does(worker, ollama, queue, wait_until):
    worker()
    wait_until(lambda: state(queue) is ModelState.READY, within=10)
    ollama.set(models=[], pull_time=2)

    wait_until(lambda: state(queue) is ModelState.DOWNLOADING, within=ASK_IDLE_EVERY + 5)

    wait_until(lambda: state(queue) is ModelState.READY, within=10)
    assert (ollama.others("/api/pull"), ollama.calls()) == (1, [])


class Says:
    """A model server that has the model; a test has it say something else."""

    def __init__(self, **says):
        self.says = {"version": lambda: "0.34.3", "lists": lambda _: True, "processor": lambda _: None} | says
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
def keep(queue, presence):
    """Keep the model on what a server says; the keeper ends with the test."""
    started = []

    def keep(says, *, pull=False):
        drain = Drain()
        server = Server(patience=300, drain=drain)
        bulletin = Bulletin(queue, "llama3.2", worker=presence.id, server="http://ollama:11434")
        keeper = ModelKeeper(server=server, ollama=says, bulletin=bulletin, name="llama3.2", pull=pull, drain=drain)
        thread = threading.Thread(target=keeper.run)
        started.append((server, drain, thread))
        thread.start()
        return server

    yield keep
    for server, drain, thread in started:
        drain.begin(0)
        server.wake()
        thread.join(10)


def test_a_server_that_cannot_say_what_it_runs_on_is_ready_all_the_same(queue, keep, wait_until):
    def fail(_):
        raise OllamaFailed(CallEnd(kind=EndKind.REJECTED, status=500, words="boom"))

    says = Says(processor=fail)
    server = keep(says)
    server.heard()

    wait_until(lambda: says.asked["processor"], within=10)

    wait_until(lambda: state(queue) is ModelState.READY, within=10)
    assert server.is_well


def test_whatever_a_server_says_the_keeper_goes_on(queue, keep, wait_until, caplog):
    says = Says(lists=lambda _: len(5))
    server = keep(says)

    wait_until(lambda: says.asked["lists"] > 2, within=10)

    assert state(queue) is ModelState.UNREACHABLE
    assert "TypeError" in queue.model().detail
    assert caplog.text.count("Traceback") == 1
    says.says["lists"] = lambda _: True
    wait_until(lambda: server.is_well and state(queue) is ModelState.READY, within=10)


def test_a_download_that_leaves_no_model_is_one_that_failed(queue, keep, wait_until):
    says = Says(lists=lambda _: False, pull=lambda *_: (record for record in [{"status": "success"}]))
    server = keep(says, pull=True)

    wait_until(lambda: says.asked["version"] > 6, within=15)

    assert (server.is_well, state(queue)) == (False, ModelState.MISSING)
    assert "is tried again: it ended well, and yet" in queue.model().detail
    assert says.asked["pull"] < says.asked["version"] - 2  # not each time: what failed is tried ever more seldom


def test_files_that_a_download_did_not_mend_are_not_downloaded_again_at_once(keep, wait_until):
    says = Says(pull=lambda *_: (record for record in [{"status": "success"}]), show=lambda _: None)
    server = keep(says, pull=True)
    for _ in range(3):
        wait_until(lambda: server.is_well, within=10)
        server.held(Verdict.STORE_BROKEN, "invalid file magic")
    wait_until(lambda: server.is_well, within=10)

    assert says.asked["pull"] == 1


def test_what_answers_and_cannot_serve_has_to_load_the_model_before_it_is_believed(queue, keep, wait_until):
    fails = OllamaFailed(
        CallEnd(kind=EndKind.REJECTED, status=500, words="cudaMalloc failed: out of memory", in_json=True)
    )

    def fail(_):
        raise fails

    says = Says(load=fail)
    server = keep(says)
    wait_until(lambda: server.is_well, within=10)
    server.held(Verdict.TROUBLED, "out of memory", by_load=True)

    wait_until(lambda: says.asked["load"] > 2, within=10)
    assert (server.is_well, state(queue)) == (False, ModelState.TROUBLED)
    assert queue.model().detail == "cudaMalloc failed: out of memory"

    says.says["load"] = lambda _: None
    wait_until(lambda: server.is_well and state(queue) is ModelState.READY, within=5)


@pytest.mark.parametrize(
    "end",
    [
        CallEnd(kind=EndKind.UNANSWERED, words="no answer within 10 s"),
        CallEnd(kind=EndKind.GIBBERISH),
        CallEnd(kind=EndKind.REJECTED, status=400, words="prompt is required", in_json=True),
    ],
    ids=["loads for long", "answers in another form", "wants a prompt"],
)
def test_a_server_of_which_a_load_proves_nothing_gets_one_prompt_to_try(keep, wait_until, end):
    def proves_nothing(_):
        raise OllamaFailed(end)

    server = keep(Says(load=proves_nothing))
    wait_until(lambda: server.is_well, within=10)
    server.held(Verdict.TROUBLED, "busy", by_load=True)

    assert server.may_claim("one slot", 10)
    assert not server.may_claim("another", 0)
    server.done("one slot")
    assert server.may_claim("another", 0)


def test_a_server_that_asks_to_be_left_alone_is_asked_no_earlier(queue, keep, wait_until, stays):
    says = Says(load=lambda _: None)
    server = keep(says)
    wait_until(lambda: server.is_well, within=10)

    server.held(Verdict.TROUBLED, "answered 429: Too Many Requests", retry_after=3, by_load=True)

    wait_until(lambda: state(queue) is ModelState.TROUBLED, within=2)
    assert 0 < queue.model().retry_at - time.time() <= 3
    stays(lambda: says.asked["load"] == 0, seconds=2)
    wait_until(lambda: server.is_well, within=5)


def test_beside_a_call_the_server_is_asked_too_and_a_gap_is_forgiven_once(queue, keep, wait_until):
    def fail(_):
        raise OllamaFailed(CallEnd(kind=EndKind.NOT_CONNECTED, words="No route to host"))

    says = Says()
    server = keep(says)
    wait_until(lambda: server.is_well, within=10)
    with server.called():
        asked = says.asked["lists"]
        says.says["lists"] = fail

        wait_until(lambda: state(queue) is ModelState.UNREACHABLE, within=15)
        assert says.asked["lists"] == asked + 2


def test_while_it_is_well_and_idle_it_is_asked_once_in_fifteen_seconds(keep, wait_until, stays):
    says = Says()
    server = keep(says)
    wait_until(lambda: server.is_well, within=10)
    asked = says.asked.total()

    stays(lambda: says.asked.total() == asked, seconds=7)


def test_a_word_that_was_cleared_away_is_said_again(queue, keep, wait_until):
    keep(Says())
    wait_until(lambda: state(queue) is ModelState.READY, within=10)

    queue._database.run("DELETE FROM models")

    wait_until(lambda: state(queue) is ModelState.READY, within=10)


def test_a_broken_store_is_downloaded_again_at_no_cost_to_the_prompt(worker, ollama, ask, completed, wait_until):
    ollama.set(pull_time=0.3)
    process = worker()
    wait_until(lambda: "model ready" in process.output, within=10)
    ollama.fault("broken_store")

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)
    assert ollama.others("/api/pull") == 1


def test_ollama_killed_in_mid_answer_gives_the_prompt_back_and_resumes_within_two_seconds(
    worker, ollama, queue, ask, wait_until
):
    ollama.set(pace=0.02, text="word " * 200)
    worker()
    prompt = ask("Hi")
    wait_until(lambda: queue.partial(prompt.id), within=10)

    ollama.kill()
    wait_until(lambda: queue.get(prompt.id).status is Status.QUEUED, within=5)
    wait_until(lambda: state(queue) is ModelState.UNREACHABLE, within=5)
    ollama.start()

    assert wait_until(lambda: queue.get(prompt.id).attempt == 2, within=5) < 2
    assert queue.get(prompt.id).failures == 0


def test_an_idle_worker_notices_that_ollama_is_gone_and_back(worker, ollama, queue, wait_until):
    worker()
    wait_until(lambda: state(queue) is ModelState.READY, within=10)

    ollama.kill()
    wait_until(lambda: state(queue) is ModelState.UNREACHABLE, within=ASK_IDLE_EVERY + 5)
    ollama.start()

    wait_until(lambda: state(queue) is ModelState.READY, within=5)


def test_a_worker_that_starts_before_ollama_waits_for_it(worker, ollama, queue, ask, completed, wait_until):
    ollama.kill()
    prompt = ask("Hi")
    worker()
    wait_until(lambda: state(queue) is ModelState.UNREACHABLE, within=10)

    ollama.start()

    assert completed(prompt).attempt == 1


def test_what_the_model_runs_on_is_told_after_the_first_answer(worker, ollama, queue, ask, completed, wait_until):
    ollama.set(processor="gpu")
    worker()

    completed(ask("Hi"))

    wait_until(lambda: queue.model().processor == "gpu", within=5)


def test_what_a_model_runs_on_is_told_though_it_is_unloaded_after_each_answer(
    worker, ollama, queue, ask, completed, wait_until
):
    ollama.set(processor="gpu", keep_alive="0", pace=0.02, text="word " * 50)
    worker()

    completed(ask("Hi"))

    wait_until(lambda: queue.model().processor == "gpu", within=5)
    assert ollama.state()["loaded"] == []
