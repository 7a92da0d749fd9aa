"""Several Ollamas: whichever is idle and well takes the next prompt, and what is wrong with one costs nobody."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import ErrorCode, Outcome
from simulator.client import Simulator
from support import ROOT
from support.network import network
from support.ports import free_port
from support.waiting import seconds_until, until
from worker.server import gate

OLLAMA = ROOT / "ollama"

GONE_WRONG = {
    "resets": lambda sick: sick.fault("reset", times=None),
    "503": lambda sick: sick.fault("status", status=503, times=None),
    "a gateway's 502": lambda sick: sick.set(gateway_status=502),
    "cut answers": lambda sick: sick.fault("cut", times=None),
}


@pytest.fixture
def simulate():
    """Start one more model server."""
    with contextlib.ExitStack() as started:
        yield lambda **settings: started.enter_context(Simulator(**{"text": "word " * 20, **settings}))


@pytest.fixture
def state(queue):
    """What everybody may read of one server's state."""
    return lambda url: {server.address: server.model.state for server in queue.servers()}.get(url.partition("?")[0])


@pytest.fixture
def ready_at(worker, state):
    """Run a worker that asks these, and wait until it knows that they are there."""

    def ready_at(*urls, **settings):
        worker(OLLAMA_URLS=",".join(urls), **settings)
        until(lambda: {state(url) for url in urls} == {ModelState.READY}, "all are ready")

    return ready_at


@pytest.mark.parametrize("wrong", GONE_WRONG)
def test_work_goes_where_it_is_done_and_nobody_pays_for_a_sick_server_or_a_dead_one(
    simulate, worker, queue, ask, completed, state, wrong
):
    quick, slow, sick = simulate(pace=0.002), simulate(pace=0.05), simulate()
    dead = f"http://127.0.0.1:{free_port()}"
    GONE_WRONG[wrong](sick)
    worker(OLLAMA_URLS=",".join([dead, sick.url, slow.url, quick.url]))
    until(lambda: {state(slow.url), state(quick.url)} == {ModelState.READY}, "two are ready")

    ended = [completed(prompt) for prompt in [ask(f"Prompt {number}") for number in range(30)]]

    assert {(prompt.outcome, prompt.failures) for prompt in ended} == {(Outcome.SUCCEEDED, 0)}
    answers = Counter(prompt.server for prompt in ended)
    assert answers.keys() == {quick.url, slow.url}
    assert answers[quick.url] > answers[slow.url]
    assert state(dead) is ModelState.UNREACHABLE


def test_each_server_is_given_as_many_prompts_as_it_has_slots(simulate, ready_at, queue, ask):
    wide, narrow = simulate(pace=1.0, slots=4), simulate(pace=1.0, slots=4)
    ready_at(f"{wide.url}?slots=3", narrow.url, WORKER_CONCURRENCY=2)

    for _ in range(6):
        ask("Hi")

    until(lambda: {each.address: each.busy for each in queue.servers()} == {wide.url: 3, narrow.url: 2}, "all are busy")
    assert (queue.workers().slots, queue.counts().queued) == (5, 1)
    assert {each.address: each.slots for each in queue.servers()} == {wide.url: 3, narrow.url: 2}


def test_a_server_that_dies_costs_its_prompt_nothing_and_another_has_it_at_once(
    simulate, ready_at, queue, begun, completed
):
    dies, other = simulate(pace=0.05, text="word " * 10_000), simulate(pace=0.002)
    ready_at(dies.url)
    prompt = begun()
    assert queue.get(prompt.id).server == dies.url
    ready_at(other.url)

    dies.kill()

    assert seconds_until(lambda: queue.get(prompt.id).server == other.url, within=10) < 2
    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 2, 0)


def test_a_server_that_falls_ill_after_it_has_answered_costs_nobody(simulate, ready_at, ask, completed):
    falls_ill, other = simulate(pace=0.01), simulate(pace=0.01)
    ready_at(falls_ill.url, other.url)
    until(lambda: {completed(prompt).server for prompt in [ask("Hi"), ask("Ho")]} == {falls_ill.url, other.url})

    falls_ill.fault("reset", times=None)

    ended = [completed(prompt) for prompt in [ask(f"Prompt {number}") for number in range(10)]]
    assert {(prompt.outcome, prompt.failures, prompt.server) for prompt in ended} == {(Outcome.SUCCEEDED, 0, other.url)}
    assert any(prompt.attempt > 1 for prompt in ended)


@pytest.mark.parametrize("status", [413, 422])
def test_a_server_whose_gateway_dislikes_every_body_refuses_none_that_another_answers(
    simulate, ready_at, ask, completed, status
):
    dislikes, other = simulate(pace=0.01), simulate(pace=0.01)
    ready_at(dislikes.url, other.url)
    until(lambda: {completed(prompt).server for prompt in [ask("Hi"), ask("Ho")]} == {dislikes.url, other.url})

    dislikes.fault("status", status=status, text="", times=None)

    ended = [completed(prompt) for prompt in [ask(f"Prompt {number}") for number in range(10)]]
    assert {(prompt.outcome, prompt.failures, prompt.server) for prompt in ended} == {(Outcome.SUCCEEDED, 0, other.url)}
    assert any(prompt.attempt > 1 for prompt in ended)


def test_a_body_that_the_gateways_of_all_servers_dislike_is_refused(simulate, ready_at, ask, completed):
    servers = [simulate(pace=0.01), simulate(pace=0.01)]
    ready_at(*(server.url for server in servers))
    until(lambda: {completed(prompt).server for prompt in [ask("Hi"), ask("Ho")]} == {each.url for each in servers})
    for server in servers:
        server.fault("status", status=413, text="", match="large", times=None)

    large = completed(ask("large"))

    assert large.error.code is ErrorCode.MODEL_REFUSED
    assert all(any("large" in str(call) for call in server.calls()) for server in servers)


@pytest.fixture
def far(start):
    """A model server on a machine of its own, whose cable can be pulled."""
    with network() as local:
        host = local.host()
        command = [*host.inside, sys.executable, "-m", "simulator", f"--host={host.address}", "--port=11434"]
        settings = ["--text=" + "word " * 10_000, "--pace=0.05", "--load-time=0", "--prompt-time=0"]
        process = subprocess.Popen([*command, *settings], cwd=OLLAMA, stdout=subprocess.PIPE)
        assert b"listening" in process.stdout.readline()
        yield SimpleNamespace(url=f"http://{host.address}:11434", unplug=host.unplug)
        process.kill()
        process.communicate()


def test_a_server_whose_machine_is_cut_off_in_silence_costs_its_prompt_nothing_and_another_has_it(
    far, simulate, ready_at, queue, begun, completed
):
    other = simulate()
    ready_at(far.url)
    prompt = begun()
    ready_at(other.url)

    far.unplug()

    until(lambda: queue.get(prompt.id).server == other.url, "the other has it", within=60)
    assert (completed(prompt).outcome, completed(prompt).failures) == (Outcome.SUCCEEDED, 0)


def test_a_server_that_stands_still_costs_its_prompt_nothing_and_another_has_it(
    simulate, ready_at, queue, ask, completed, hurried, monkeypatch
):
    monkeypatch.setattr(gate, "LEFT_AFTER", 1.0)
    stands_still, other = simulate(prompt_time=60), simulate()
    ready_at(stands_still.url, other.url, PROBE_TIMEOUT=0.5)
    prompts = [ask("Hi") for _ in range(2)]
    [here] = until(lambda: [prompt for prompt in prompts if queue.get(prompt.id).server == stands_still.url])

    stands_still.signal(signal.SIGSTOP)

    try:
        ended = completed(here, within=20)
    finally:
        stands_still.signal(signal.SIGCONT)
    assert (ended.outcome, ended.attempt, ended.failures, ended.server) == (Outcome.SUCCEEDED, 2, 0, other.url)


@pytest.mark.parametrize("seldom_after", [60.0, 0.0], ids=["soon", "after a long absence"])
def test_a_server_that_comes_back_has_a_prompt_within_five_seconds(
    simulate, ready_at, queue, ask, state, monkeypatch, seldom_after
):
    monkeypatch.setattr(gate, "SELDOM_AFTER", seldom_after)
    goes, stays = simulate(), simulate(pace=1.0)
    ready_at(goes.url, stays.url)
    goes.kill()
    for _ in range(3):
        ask("Hi")
    until(lambda: state(goes.url) is ModelState.UNREACHABLE, "it is known to be away")

    goes.start()

    assert seconds_until(lambda: goes.calls(), within=10) < 5


def test_a_model_that_one_server_lacks_is_downloaded_there_while_the_other_answers(
    simulate, worker, ask, completed, state
):
    lacks, has = simulate(models=[], pull_time=6.0), simulate()
    worker(OLLAMA_URLS=f"{lacks.url},{has.url}")
    until(lambda: state(lacks.url) is ModelState.DOWNLOADING, "the download")

    meanwhile = [completed(prompt) for prompt in [ask("Hi") for _ in range(3)]]
    was_downloading = state(lacks.url) is ModelState.DOWNLOADING
    until(lambda: state(lacks.url) is ModelState.READY, "the model")
    has.set(pace=1.0)
    later = [ask("Hi") for _ in range(2)]

    assert was_downloading
    assert {prompt.server for prompt in meanwhile} == {has.url}
    until(lambda: any(completed(prompt).server == lacks.url for prompt in later), "an answer of its own")


def test_a_prompt_that_no_server_can_answer_fails_and_others_pay_nothing(simulate, ready_at, ask, completed):
    servers = [simulate(), simulate()]
    for server in servers:
        server.fault("reset", match="poison", times=None)
    ready_at(*(server.url for server in servers), MAX_FAILURES=2)

    poison = ask("poison")
    others = [ask("Hi") for _ in range(10)]

    ended = completed(poison)
    assert (ended.outcome, ended.failures, ended.error.code) == (Outcome.FAILED, 2, ErrorCode.ATTEMPTS_EXHAUSTED)
    assert {(completed(other).outcome, completed(other).failures) for other in others} == {(Outcome.SUCCEEDED, 0)}
