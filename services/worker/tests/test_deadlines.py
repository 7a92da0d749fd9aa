"""Four deadlines, kept by a clock that nobody can set: connect, first byte, gap between tokens, total."""

from __future__ import annotations

import time

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import ErrorCode, Outcome, Status
from support.waiting import until


def test_a_server_that_lets_nobody_connect_is_down_and_costs_nothing(worker, queue, ask, deaf, model_is):
    prompt = ask("Hi")
    worker(OLLAMA_URLS=deaf, CONNECT_TIMEOUT=0.5)

    model_is(ModelState.UNREACHABLE, within=5)

    assert (queue.get(prompt.id).status, queue.get(prompt.id).failures) == (Status.QUEUED, 0)


SLOW = """
import pathlib, socket, time

look_up = socket.getaddrinfo

def slowly(*name, **more):
    if pathlib.Path(__file__).with_name("now").exists():
        time.sleep(4)
    return look_up(*name, **more)

socket.getaddrinfo = slowly
"""


def test_a_name_that_is_looked_up_for_longer_than_a_lease_costs_nothing(spawn, ollama, queue, environ, ask, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    process = spawn(
        OLLAMA_URLS=ollama.url.replace("127.0.0.1", "localhost"),
        LEASE_SECONDS=1,
        CONNECT_TIMEOUT=0.5,
        PYTHONPATH=f"{tmp_path}:{environ['PYTHONPATH']}",
    )
    until(lambda: "model ready" in process.output)
    (tmp_path / "now").touch()

    prompt = ask("Hi")
    until(lambda: "prompt given back" in process.output, within=15)

    assert queue.get(prompt.id).failures == 0
    assert "reason='not connected'" in process.output
    assert "recovered" not in process.output


def test_no_first_byte_in_time_is_a_failure_that_unloads_the_model(worker, ollama, ask, completed):
    ollama.fault("hang_before_first_token", times=2)
    worker(first_byte_timeout=1.0, max_failures=2, upstream_patience=0.0)

    ended = completed(ask("Hi"))

    assert ended.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert ended.error.message.endswith("the model said nothing within 1 s")
    until(lambda: ollama.others("unload"), within=2)
    assert ollama.left == 2


def test_what_ended_badly_is_tried_again_at_once(worker, ollama, ask, completed):
    ollama.fault("hang_between_tokens")
    worker(IDLE_TIMEOUT=0.5)

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 2, 0)


@pytest.mark.parametrize(("own", "general"), [(0.8, 60), (None, 0.8), (60, 0.8)])
def test_a_prompt_that_runs_too_long_has_timed_out_for_good(worker, ollama, queue, ask, completed, own, general):
    ollama.set(load_time=0, pace=0.02, text="word " * 1000)
    worker(PROMPT_TIMEOUT=general)

    ended = completed(ask("Hi", timeout=own))

    assert (ended.outcome, ended.attempt, ended.error.code) == (Outcome.FAILED, 1, ErrorCode.TIMED_OUT)
    assert queue.partial(ended.id)
    assert ollama.left == 1


def test_a_deadline_is_kept_to_a_fraction_of_a_second(worker, ollama, queue, ask, completed):
    ollama.fault("hang_before_first_token")
    worker()
    prompt = ask("Hi", timeout=1.0)
    until(lambda: queue.get(prompt.id).status is Status.PROCESSING)

    start = time.monotonic()
    completed(prompt)

    assert 0.8 < time.monotonic() - start < 1.3
