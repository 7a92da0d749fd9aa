"""A server that is away, or turns every call away, costs nobody anything, and is asked until it is back."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome, Status
from simulator.repertoire import PASSING, TURNING_AWAY
from support.waiting import seconds_until, stays, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("503: too many requests", "server busy, please try again.  maximum pending requests exceeded"),
        ("403 without a body", "the model server answers 403: it does not accept the host name that OLLAMA_URLS"),
    ],
)
@pytest.mark.usefixtures("hurried")
def test_a_server_that_turns_calls_away_is_asked_once_a_second_and_costs_nothing(
    ollama, queue, ask, completed, name, words, worker
):
    told = set()
    ollama.fault(**{**PASSING[name], "times": None})
    prompt = ask("Hi")
    worker(MAX_FAILURES=1)
    until(ollama.calls)

    stays(lambda: told.add(queue.model().detail) is None and queue.get(prompt.id).outcome is None, seconds=0.8)
    calls = len(ollama.calls())
    ollama.clear_faults()

    assert calls <= 6
    assert any(words in each for each in told if each)
    back_at = time.monotonic()
    ended = completed(prompt)
    assert time.monotonic() - back_at < 2
    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)


def test_a_server_that_cannot_be_found_by_its_name_is_down_and_says_so(worker, queue, ask, model_is):
    prompt = ask("Hi")
    worker(OLLAMA_URLS="http://nowhere.invalid:11434", MAX_FAILURES=1)

    model_is(ModelState.UNREACHABLE, within=20)

    said, _, why = queue.model().detail.partition(" (")
    assert said == "the model server could not be reached: Failed to resolve 'nowhere.invalid'"
    cause, _, remedy = why.partition("); ")
    assert cause in ("Name or service not known", "Temporary failure in name resolution")
    assert remedy == "nobody knows that name: correct it in OLLAMA_URLS"
    assert (queue.get(prompt.id).status, queue.get(prompt.id).failures) == (Status.QUEUED, 0)


def test_a_server_that_refuses_connections_is_down_and_says_so(worker, queue, ask, model_is):
    prompt = ask("Hi")
    worker(OLLAMA_URLS="http://127.0.0.1:9", MAX_FAILURES=1)

    model_is(ModelState.UNREACHABLE)

    assert queue.model().detail.startswith(
        "the model server could not be reached: Connection refused; no Ollama listens"
    )
    assert (queue.get(prompt.id).status, queue.get(prompt.id).attempt) == (Status.QUEUED, 0)


@pytest.mark.parametrize("name", TURNING_AWAY)
@pytest.mark.usefixtures("hurried")
def test_a_server_that_is_at_fault_costs_a_prompt_nothing_and_is_reported(
    ollama, queue, ask, completed, name, model_is, worker
):
    ollama.fault(**TURNING_AWAY[name])
    prompt = ask("Hi")
    worker(MAX_FAILURES=1)
    model_is(ModelState.TROUBLED)
    ollama.wait_for_call(3)

    ollama.clear_faults()

    ended = completed(prompt)
    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)


LOAD_ERROR = "llama-server process has terminated: signal: killed"


@pytest.mark.usefixtures("hurried")
def test_a_model_that_cannot_be_loaded_costs_nothing_and_no_call(ollama, queue, ask, completed, model_is, worker):
    ollama.set(load_error=LOAD_ERROR)
    prompts = [ask(f"number {number}") for number in range(5)]
    worker(MAX_FAILURES=1)
    model_is(ModelState.TROUBLED)
    until(lambda: ollama.others("load") >= 3)

    assert queue.model().detail == LOAD_ERROR
    assert len(ollama.calls()) == 1
    ollama.set(load_error="")
    assert {completed(prompt).failures for prompt in prompts} == {0}


def test_the_wait_that_a_gateway_asks_for_is_kept(ready, ollama, queue, ask, completed, model_is):
    ready(MAX_FAILURES=1)
    ollama.set(gateway_status=429, gateway_path="/api/generate", gateway_retry_after=2.0)
    prompt = ask("Hi")
    model_is(ModelState.TROUBLED)
    assert queue.model().detail == "the model server answered 429: Too Many Requests"

    ollama.set(gateway_status=0)
    since = time.monotonic()

    assert completed(prompt).outcome is Outcome.SUCCEEDED
    assert 0.5 < time.monotonic() - since < 5
    assert ollama.others("gateway POST") == 1


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs up", "says nothing"])
@pytest.mark.usefixtures("hurried")
def test_a_server_that_only_connects_is_down_and_asked_once_a_second(queue, ask, hangs_up, model_is, worker):
    prompt = ask("Hi")
    with connecting(hangs_up=hangs_up) as (url, connections):
        worker(OLLAMA_URLS=url, MAX_FAILURES=1, PROBE_TIMEOUT=1)
        model_is(ModelState.UNREACHABLE)

        before = len(connections)
        stays(lambda: queue.get(prompt.id).attempt == 0, seconds=0.6)

        assert len(connections) - before <= 4


@pytest.mark.usefixtures("hurried")
def test_a_server_that_stands_still_is_down_and_work_resumes_within_two_seconds(ollama, queue, ask, model_is, ready):
    ready(MAX_FAILURES=1, PROBE_TIMEOUT=1)
    ollama.signal(signal.SIGSTOP)
    try:
        prompt = ask("Hi")
        model_is(ModelState.UNREACHABLE, within=10)
    finally:
        ollama.signal(signal.SIGCONT)

    assert seconds_until(lambda: queue.get(prompt.id).outcome is Outcome.SUCCEEDED, within=5) < 2
    assert queue.get(prompt.id).failures == 0


@pytest.mark.usefixtures("hurried")
def test_a_download_that_keeps_failing_is_not_asked_for_all_the_time(ollama, queue, model_is, worker):
    ollama.set(models=[], pull_error="no_host")
    worker()
    model_is(ModelState.MISSING)

    stays(lambda: queue.model().state is not ModelState.READY, seconds=0.8)

    assert ollama.others("/api/pull") <= 4


@contextmanager
def connecting(*, hangs_up: bool) -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that lets everybody connect and says nothing to anybody; its address and its connections."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # the test is over
                connections.append(connection)
                if hangs_up:
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", connections
        listening.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()
