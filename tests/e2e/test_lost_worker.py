"""A worker that is killed, or hangs: its prompt is answered by another attempt, once."""

import signal
from collections.abc import Callable

import pytest
from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until

WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.08, text=WORDS)
def test_the_prompt_of_a_killed_container_runs_again_after_its_new_start(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build(LEASE_SECONDS="60")
    stack.start_proxy()
    worker = stack.start_worker()
    prompt_id = stack.submit("Count to ten.")
    simulator.wait_for_tokens(1, 3)

    stack.kill(worker)
    stack.start_worker()

    simulator.wait_for_call(2)
    assert stack.answer(prompt_id) == WORDS
    assert stack.status(prompt_id)["attempt"] == 2
    assert [call["end"] for call in simulator.calls()] == ["client_closed", "finished"]
    assert stack.queue()["completed_per_minute"] == 1


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_hung_worker_that_comes_back_does_not_end_another_s_attempt(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build(LEASE_SECONDS="1")
    stack.start()
    prompt_id = stack.submit("Count to ten.")
    simulator.wait_for_tokens(1, 3)
    hung = stack.worker_process()
    hung.signal(signal.SIGSTOP)
    simulator.wait_for_end(1)
    simulator.set(text="the other worker's words")
    simulator.fault("hang_between_tokens", after=2)
    other = stack.start_lone_worker(OLLAMA_URLS=f"{simulator.url}?slots=2")  # the hung one keeps its slot
    simulator.wait_for_tokens(2, 2)

    hung.signal(signal.SIGCONT)

    until(lambda: f"claim lost id={prompt_id} attempt=1" in stack.log("worker"), "the hung worker has come back")
    standing = stack.status(prompt_id)
    assert (standing["status"], standing["attempt"]) == ("processing", 2)
    stack.kill(other)  # hands the prompt to the one that had hung
    assert stack.answer(prompt_id) == "the other worker's words"
    assert stack.status(prompt_id)["attempt"] == 3


@pytest.mark.both_engines
@pytest.mark.ollama(text=WORDS)
def test_a_worker_that_is_told_to_stop_gives_its_prompt_back_and_leaves_nothing(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    simulator.fault("hang_between_tokens")
    stack = build(DRAIN_SECONDS="0.1", MAX_FAILURES="1")  # a failure would end the prompt
    stack.start_proxy()
    worker = stack.start_worker()
    prompt_id = stack.submit("Count to ten.")
    simulator.wait_for_tokens(1, 3)

    worker.terminate()

    assert worker.wait(10) == 0
    assert stack.processes(worker) == []
    assert stack.status(prompt_id)["status"] == "queued"
    stack.start_worker()
    assert stack.answer(prompt_id) == WORDS
