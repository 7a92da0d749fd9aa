"""Whatever Ollama does wrong: the right words, the text that had come, and no more calls than attempts."""

from __future__ import annotations

import json
from contextlib import closing
from typing import NamedTuple

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import ErrorCode, Outcome
from simulator.repertoire import FAILING, WELL
from support.client import Client
from support.waiting import stays, until

WORDS = "one two three four five six seven eight"
THREE = "one two three"
ENDED_EARLY = "the model's answer ended before it was done"
NO_ANSWER = "the model server sent something that is not an answer"
BROKE_OFF = "the connection to the model server broke off"
RUNNER_DIED = "an error was encountered while running the model: unexpected EOF"


class Row(NamedTuple):
    """What whoever asked is told of a fault, and what is kept of the answer."""

    words: str
    partial: str = ""


TOLD = {
    "silent before the headers": Row("the model said nothing within 0.8 s"),
    "silent before the first token": Row("the model said nothing within 0.8 s"),
    "silent between tokens, as with a runner that is stopped": Row(
        "the model went silent for 0.7 s in mid-answer", THREE
    ),
    "reset before the headers": Row(BROKE_OFF),
    "reset in mid-answer": Row(BROKE_OFF, THREE),
    "closed before the headers": Row(BROKE_OFF),
    "closed in mid-answer": Row(BROKE_OFF, THREE),
    "ended without `done`": Row(ENDED_EARLY, THREE),
    "ended with `done: false`": Row(ENDED_EARLY, THREE),
    "an error line: a runner that is killed in mid-answer": Row(RUNNER_DIED, THREE),
    "500: a runner that is killed before the first token": Row(RUNNER_DIED),
    "500: a runner that is gone": Row("llama-server process no longer running: unknown"),
    "500 without a body": Row("the model server answered 500: Internal Server Error"),
    "500: a schema that nobody sent": Row("invalid JSON schema in format"),
    "502 of a gateway": Row("the model server answered 502: Bad Gateway"),
    "504 of a gateway": Row("the model server answered 504: Gateway Timeout"),
    "a web page instead of JSON": Row(NO_ANSWER),
    "bytes that are no UTF-8": Row(NO_ANSWER, THREE),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_bad_end_is_reported_in_its_words_and_costs_one_call_an_attempt(worker, ollama, queue, ask, completed, name):
    row = TOLD[name]
    ollama.set(text=WORDS, pace=0.01)
    ollama.fault(**FAILING[name])
    worker(max_failures=2, first_byte_timeout=0.8, idle_timeout=0.7, upstream_patience=0)

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.FAILED, 2, 2)
    assert ended.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert ended.error.message == f"Gave up after 2 failed attempts; the last: {row.words}"
    assert queue.partial(ended.id) == row.partial
    assert len(ollama.calls()) == 2


def test_a_prompt_alone_before_a_sick_server_waits_and_is_answered_once_it_is_well(
    ollama, queue, ask, completed, model_is, worker
):
    ollama.fault(**FAILING["502 of a gateway"])
    worker(MAX_FAILURES=1)
    prompt = ask("Hi")
    model_is(ModelState.TROUBLED)

    stays(lambda: queue.get(prompt.id).outcome is None, seconds=1.5)

    assert queue.model().detail == "calls keep ending badly, the last: the model server answered 502: Bad Gateway"
    assert queue.model().retry_at
    assert queue.get(prompt.id).failures == 0
    assert 4 <= len(ollama.calls()) <= 5
    ollama.clear_faults()
    assert completed(prompt).outcome is Outcome.SUCCEEDED
    model_is(ModelState.READY, within=2)


@pytest.mark.usefixtures("hurried")
def test_in_trouble_one_prompt_at_a_time_is_tried_however_many_slots_there_are(
    ollama, queue, ask, completed, model_is, worker
):
    ollama.set(slots=4)
    ollama.fault(**FAILING["silent between tokens, as with a runner that is stopped"])
    worker(WORKER_CONCURRENCY=4, IDLE_TIMEOUT=0.3)
    prompts = [ask(f"number {number}") for number in range(12)]
    model_is(ModelState.TROUBLED)
    until(lambda: queue.counts().processing == 0)
    before = len(ollama.calls())

    until(lambda: len(ollama.calls()) >= before + 2, within=15)
    ollama.clear_faults()
    tried = ollama.calls()[before : before + 2]

    assert tried[0]["ended"] <= tried[1]["received"]
    assert {completed(prompt).outcome for prompt in prompts} == {Outcome.SUCCEEDED}
    assert {queue.get(prompt.id).failures for prompt in prompts} == {0}


def test_a_model_that_loads_for_long_is_waited_for(worker, ollama, queue, ask, completed):
    ollama.fault(**{**WELL["a load that takes long"], "seconds": 2.5})
    worker(LEASE_SECONDS=1, IDLE_TIMEOUT=0.5)  # a load is no gap between tokens

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 1, 0)
    assert len(ollama.calls()) == 1
    assert ollama.others("unload") == 0


def test_a_line_of_eight_megabytes_is_read_whole(worker, ollama, queue, ask, completed):
    ollama.set(text=WORDS)
    ollama.fault(**WELL["a line of 8 MB"])
    worker()

    ended = completed(ask("Hi"))

    assert queue.answer(ended.id)["response"] == THREE + "x" * (8 << 20) + " four five six seven eight"
    assert (ended.attempt, len(ollama.calls())) == (1, 1)


def test_a_runner_that_is_killed_costs_nobody_who_used_it_anything(worker, ollama, ask, completed):
    ollama.fault("hang_before_first_token", match="stranger")
    ollama.fault("error_line", match="first")
    ollama.fault("error_line", match="second", after=0, text="llama-server process no longer running: unknown ")
    with closing(Client(ollama.url).connection()) as stranger:  # who has the only slot until both are in its line
        stranger.request("POST", "/api/generate", json.dumps({"model": "llama3.2", "prompt": "a stranger"}))
        ollama.wait_for("started", 1)
        prompts = [ask("first"), ask("second")]
        worker(WORKER_CONCURRENCY=2)
        ollama.wait_for_call(3, timeout=60)

    ended = [completed(prompt) for prompt in prompts]

    assert [(each.outcome, each.attempt, each.failures) for each in ended] == [(Outcome.SUCCEEDED, 2, 0)] * 2
    assert len(ollama.calls()) == 1 + 4
