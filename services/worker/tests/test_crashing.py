"""A worker that dies or hangs costs its prompts one attempt, and can never overwrite what came after it."""

from __future__ import annotations

import signal
from functools import partial

from promptqueue import connect
from promptqueue.prompt import Outcome, Status
from support.waiting import seconds_until, until


def test_a_prompt_whose_worker_was_killed_runs_again_within_three_seconds(spawn, ollama, queue, completed, begun):
    ollama.set(pace=0.02, text="word " * 100)
    first = spawn()
    prompt = begun()

    first.send(signal.SIGKILL)
    spawn()

    assert seconds_until(lambda: queue.get(prompt.id).attempt == 2, within=5) < 3
    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 2, 1)
    assert len(ollama.asked("/api/generate")) == 2


def test_a_worker_that_hangs_beyond_its_lease_changes_nothing_when_it_wakes(spawn, ollama, queue, completed, begun):
    ollama.set(pace=0.02, text="word " * 50)
    first = spawn(LEASE_SECONDS=1)
    prompt = begun()

    first.send(signal.SIGSTOP)
    spawn(LEASE_SECONDS=1, OLLAMA_URLS=f"{ollama.url}?slots=2")  # one that hangs keeps its slot
    ended = completed(prompt)
    answer = queue.answer(prompt.id)
    first.send(signal.SIGCONT)

    until(lambda: f"claim lost id={prompt.id} attempt=1" in first.output, within=5)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 2, 1)
    assert queue.get(prompt.id) == ended
    assert queue.answer(prompt.id) == answer


def test_a_hung_workers_prompt_is_back_in_line_within_the_lease_and_two_seconds(spawn, start, ollama, queue, begun):
    ollama.set(pace=0.02, text="word " * 1000)
    start("-m", "worker.janitor")
    first = spawn(LEASE_SECONDS=1)
    prompt = begun()

    first.send(signal.SIGSTOP)

    assert seconds_until(lambda: queue.get(prompt.id).status is Status.QUEUED, within=5) < 3


def test_a_storage_that_is_away_for_a_moment_costs_nothing(
    worker, ollama, queue, completed, locked, begun, monkeypatch, caplog
):
    monkeypatch.setattr("worker.main.connect", partial(connect, lock_timeout=0.5))
    ollama.set(pace=0.02, text="word " * 40)
    worker()
    prompt = begun()

    with locked():
        until(lambda: "storage unavailable" in caplog.text or "claim not kept" in caplog.text, "a warning")

    ended = completed(prompt)
    assert (ended.outcome, ended.attempt, ended.failures) == (Outcome.SUCCEEDED, 1, 0)
