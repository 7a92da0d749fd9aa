"""A prompt is cancelled, deleted or out of time at every point of its life: for good, and Ollama is let go at once."""

from __future__ import annotations

import json
import random
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from promptqueue.condition import ModelState
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, NewPrompt, Outcome, Status
from support.waiting import stays, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = "word " * 1000
POINTS: dict[str, dict[str, object]] = {
    "while the model loads": {"kind": "slow_load", "seconds": 60},
    "before the headers": {"kind": "hang_before_headers"},
    "before the first token": {"kind": "hang_before_first_token"},
    "between two tokens": {"kind": "hang_between_tokens"},
    "in the stream of tokens": {},
}


def cancel(queue, prompt):
    queue.cancel(prompt.id)


def delete(queue, prompt):
    queue.delete(prompt.id)


@pytest.mark.parametrize("end", [cancel, delete])
def test_a_call_is_left_within_a_second_at_every_point_of_it(worker, ollama, queue, ask, end):
    ollama.set(pace=0.02, text=LONG)
    worker()
    ended_at = 0.0
    for number, (point, fault) in enumerate(POINTS.items(), start=1):
        if fault:
            ollama.fault(**fault)
        prompt, ended_before = ask(point), ended_at
        ollama.wait_for_tokens(number, 5) if not fault else ollama.wait_for_call(number)
        assert number == 1 or ollama.call(number)["received"] - ended_before < 1, point

        ended_at = time.monotonic()
        end(queue, prompt)
        end_again(end, queue, prompt)

        call = ollama.wait_for_end(number)
        assert (point, call["end"]) == (point, "client_closed")
        assert call["ended"] - ended_at < 1, point
        assert stands(queue, prompt) in ((Status.COMPLETED, Outcome.CANCELLED, 1), None), point
    assert len(ollama.calls()) == len(POINTS)


def test_a_cancel_of_which_no_note_came_is_noticed_within_a_second(worker, ollama, queue, ask, tmp_path):
    ollama.fault("hang_before_first_token")
    worker()
    prompt = ask("Hi")
    ollama.wait_for_call(1)
    for socket_file in (tmp_path / "data" / "wake").iterdir():
        socket_file.unlink()

    ended_at = time.monotonic()
    queue.cancel(prompt.id)

    assert ollama.wait_for_end(1)["ended"] - ended_at < 1


@pytest.mark.parametrize("end", [cancel, delete])
def test_a_call_that_waits_for_ollamas_slot_is_left_within_a_second(worker, ollama, queue, ask, end):
    ollama.set(pace=0.02, text=LONG)
    with somebody_elses_call(ollama):
        worker()
        prompt = ask("Hi")
        ollama.wait_for("loaded", 2)

        ended_at = time.monotonic()
        end(queue, prompt)

        call = ollama.wait_for_end(2)
        assert (call["end"], call["started"]) == ("client_closed", None)
        assert call["ended"] - ended_at < 1


def test_a_prompt_out_of_time_is_left_within_a_second_at_every_point_of_its_call(worker, ollama, queue, ask, completed):
    ollama.set(pace=0.02, text=LONG)
    worker()
    for number, (point, fault) in enumerate(POINTS.items(), start=1):
        if fault:
            ollama.fault(**fault)
        prompt = ask(point, timeout=0.7)

        ended = completed(prompt)

        call = ollama.wait_for_end(number)
        assert (point, ended.error.code, ended.attempt) == (point, ErrorCode.TIMED_OUT, 1)
        assert (point, call["end"]) == (point, "client_closed")
        assert call["ended"] - call["received"] < 1.7, point
    assert len(ollama.calls()) == len(POINTS)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("end", [cancel, delete])
def test_a_prompt_that_waits_for_its_next_attempt_is_ended_and_never_called_for_again(worker, ollama, queue, ask, end):
    ollama.fault("error_line", times=4)
    worker()
    prompt = ask("Hi")
    ollama.wait_for_ended(4)
    until(
        lambda: queue.get(prompt.id).status is Status.QUEUED, within=10
    )  # for up to a second: the server is in trouble

    end(queue, prompt)

    stays(lambda: len(ollama.calls()) == 4, seconds=1.5)
    assert stands(queue, prompt) in ((Status.COMPLETED, Outcome.CANCELLED, 4), None)


def test_a_prompt_that_waited_too_long_for_ollama_expires_and_never_reaches_it(worker, ollama, queue, completed):
    ollama.kill()
    [accepted] = queue.enqueue(NewPrompt(request={"prompt": "Hi"}, expires_in=1.0))
    worker()

    ended = completed(accepted.prompt, within=5)
    ollama.start()

    assert (ended.outcome, ended.attempt, ended.error.code) == (Outcome.EXPIRED, 0, ErrorCode.EXPIRED)
    assert ollama.calls() == []


@pytest.mark.parametrize("end", [cancel, delete])
def test_an_end_that_races_the_answer_wins_or_loses_and_nothing_in_between(ollama, queue, ask, end, spawn, model_is):
    random_moments = random.Random(1)
    ollama.set(pace=0.001, text="word " * 20)
    process = spawn()
    model_is(ModelState.READY)
    seen = set()
    for number in range(1, 31):
        prompt = ask(f"number {number}")
        wait_for = random_moments.uniform(0, 0.06)
        time.sleep(wait_for)  # the race itself: there is nothing to wait for

        end(queue, prompt)

        stood = stands(queue, prompt)
        seen.add(stood and stood[1])
        assert stood is None or stood[0] is Status.COMPLETED
        assert stood is None or (queue.answer(prompt.id) is not None) == (stood[1] is Outcome.SUCCEEDED)
        until(lambda: queue.counts().processing == 0, within=5)
        assert stands(queue, prompt) == stood
    following = ask("and after all that")
    until(lambda: queue.get(following.id).outcome is Outcome.SUCCEEDED, within=5)
    assert "Traceback" not in process.output
    assert all(call["ended"] for call in ollama.wait_for_ended(len(ollama.calls())))
    assert seen >= ({None} if end is delete else {Outcome.CANCELLED})


def stands(queue, prompt) -> tuple[Status, Outcome | None, int] | None:
    """Where the prompt stands; None when it is unknown."""
    try:
        found = queue.get(prompt.id)
    except PromptNotFound:
        return None
    return found.status, found.outcome, found.attempt


def end_again(end: Callable[..., None], queue, prompt) -> None:
    """Doing it once more changes nothing."""
    before = stands(queue, prompt)
    if end is delete:
        with pytest.raises(PromptNotFound):
            end(queue, prompt)
    else:
        end(queue, prompt)
    assert stands(queue, prompt) == before


@contextmanager
def somebody_elses_call(ollama) -> Iterator[None]:
    """Ollama's only slot is taken by a call that is not the worker's."""
    body = json.dumps({"model": "llama3.2", "prompt": "mine"}).encode()
    head = f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", ollama.port)) as connection:
        connection.sendall(head + body)
        ollama.wait_for_tokens(1, 1)
        yield
