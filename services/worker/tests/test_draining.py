"""SIGTERM: nothing new is begun, what is in hand is finished in time or given back, and the exit code is 0."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome, Status
from support.waiting import until
from worker.drain import Drain


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_ends_at_once(queue, number, spawn, model_is):
    process = spawn()
    model_is(ModelState.READY)

    process.send(number)

    assert process.ends(within=2) == 0
    assert queue.workers().count == 0


def test_a_worker_without_a_model_server_ends_at_once(spawn):
    process = spawn(OLLAMA_URLS="http://127.0.0.1:9")
    until(lambda: "model not ready" in process.output)

    process.send(signal.SIGTERM)

    assert process.ends(within=2) == 0


def test_the_prompt_in_hand_is_finished_and_no_other_begun(spawn, ollama, queue, ask):
    ollama.set(pace=0.02, text="word " * 60)
    process = spawn()
    prompt, following = ask("Hi"), ask("Ho")
    until(lambda: queue.partial(prompt.id))

    process.send(signal.SIGTERM)

    assert process.ends(within=10) == 0
    assert queue.get(prompt.id).outcome is Outcome.SUCCEEDED
    assert (queue.get(following.id).status, queue.get(following.id).attempt) == (Status.QUEUED, 0)


def test_a_prompt_that_takes_longer_is_given_back_at_no_cost(spawn, ollama, queue, begun):
    ollama.set(pace=0.02, text="word " * 1000)
    process = spawn(DRAIN_SECONDS=0.5)
    prompt = begun()

    process.send(signal.SIGTERM)

    assert process.ends(within=3) == 0
    assert ollama.left == 1
    given_back = queue.get(prompt.id)
    assert (given_back.status, given_back.failures) == (Status.QUEUED, 0)
    assert queue.position(prompt.id) == 1


def test_a_second_signal_ends_the_drain_at_once(spawn, ollama, queue, ask):
    ollama.fault("hang_before_first_token")
    process = spawn(DRAIN_SECONDS=24)
    prompt = ask("Hi")
    until(lambda: ollama.asked("/api/generate"))
    process.send(signal.SIGTERM)
    until(lambda: "worker drains" in process.output, within=2)

    start = time.monotonic()
    process.send(signal.SIGTERM)

    assert process.ends(within=3) == 0
    assert time.monotonic() - start < 1
    assert (queue.get(prompt.id).status, queue.get(prompt.id).failures) == (Status.QUEUED, 0)


def test_a_download_is_broken_off_at_once(spawn, ollama):
    ollama.set(models=[], pull_time=60)
    process = spawn()
    until(lambda: "download begun" in process.output)

    process.send(signal.SIGTERM)

    assert process.ends(within=2) == 0


def test_a_loop_that_waits_for_its_storage_goes_on_when_the_drain_begins_and_when_it_is_cut_short():
    drain = Drain()
    for seconds in (60, 0):
        waiting = threading.Thread(target=drain.pause, args=(30,))
        waiting.start()
        until(lambda: drain._changed._waiters)

        drain.begin(seconds)

        waiting.join(10)
        assert not waiting.is_alive()
