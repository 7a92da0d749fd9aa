"""The model is kept present, its state is known to all, and prompts wait for it at no cost."""

from __future__ import annotations

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome, Status
from support.waiting import seconds_until, until


def state(queue):
    return queue.model() and queue.model().state


def test_a_missing_model_is_downloaded_while_prompts_wait(worker, ollama, queue, ask, completed):
    ollama.set(models=[], pull_time=1.5)
    prompt = ask("Hi")
    worker()
    percents = []

    def is_ready():
        model = queue.model()
        if model and model.state is ModelState.DOWNLOADING:
            percents.append(model.percent)
        return model and model.state is ModelState.READY

    until(is_ready, within=15)

    assert percents == sorted(percents)
    assert len(set(percents)) > 5
    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 1, 0)


def test_a_download_that_fails_is_tried_again_and_says_why(worker, ollama, queue, model_is):
    ollama.set(models=[], pull_error="no_host")
    worker()

    until(lambda: state(queue) is ModelState.MISSING and "no such host" in queue.model().detail)
    ollama.set(pull_error="", pull_time=0.2)

    model_is(ModelState.READY)


def test_nothing_is_downloaded_when_that_is_forbidden(worker, ollama, queue, ask, completed, model_is):
    ollama.set(models=[])
    prompt = ask("Hi")
    worker(OLLAMA_PULL="never")
    model_is(ModelState.MISSING)

    ollama.set(models=["llama3.2"])

    assert completed(prompt).attempt == 1
    assert ollama.others("/api/pull") == 0


def test_a_model_that_vanishes_is_downloaded_at_no_cost_to_the_prompt(ollama, ask, completed, ready):
    ollama.set(pull_time=0.3)
    ready()
    ollama.fault("model_gone")

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)
    assert ollama.others("/api/pull") == 1


@pytest.mark.usefixtures("hurried")
def test_a_model_that_vanishes_while_nobody_asks_is_downloaded_before_somebody_does(ollama, queue, model_is, ready):
    ready()
    ollama.set(models=[], pull_time=1)

    model_is(ModelState.DOWNLOADING, within=5)

    model_is(ModelState.READY)
    assert (ollama.others("/api/pull"), ollama.calls()) == (1, [])


def test_a_broken_store_is_downloaded_again_at_no_cost_to_the_prompt(ollama, ask, completed, ready):
    ollama.set(pull_time=0.3)
    ready()
    ollama.fault("broken_store")

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)
    assert ollama.others("/api/pull") == 1


def test_ollama_killed_in_mid_answer_gives_the_prompt_back_and_resumes_within_two_seconds(
    worker, ollama, queue, begun, completed, model_is
):
    ollama.set(pace=0.02, text="word " * 60)
    worker()
    prompt = begun()

    ollama.kill()
    until(lambda: queue.get(prompt.id).status is Status.QUEUED, within=5)
    model_is(ModelState.UNREACHABLE, within=5)
    ollama.start()

    assert seconds_until(lambda: queue.get(prompt.id).attempt == 2, within=5) < 2
    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 2, 0)


@pytest.mark.usefixtures("hurried")
def test_an_idle_worker_notices_that_ollama_is_gone_and_back(ollama, queue, model_is, ready):
    ready()

    ollama.kill()
    model_is(ModelState.UNREACHABLE, within=5)
    ollama.start()

    model_is(ModelState.READY, within=5)


def test_a_worker_that_starts_before_ollama_waits_for_it(worker, ollama, queue, ask, completed, model_is):
    ollama.kill()
    prompt = ask("Hi")
    worker()
    model_is(ModelState.UNREACHABLE)

    ollama.start()

    assert completed(prompt).attempt == 1


def test_what_the_model_runs_on_is_known_after_the_first_answer(worker, ollama, queue, ask, completed):
    ollama.set(processor="gpu")
    worker()

    completed(ask("Hi"))

    until(lambda: queue.model().processor == "gpu", within=5)


def test_what_a_model_runs_on_is_known_though_it_is_unloaded_after_each_answer(worker, ollama, queue, ask, completed):
    ollama.set(processor="gpu", keep_alive="0", pace=0.02, text="word " * 50)
    worker()

    completed(ask("Hi"))

    until(lambda: queue.model().processor == "gpu", within=5)
    assert ollama.state()["loaded"] == []
