"""Stopping: what calls get when the proxy is stopped or killed, and how the same request takes its prompt up again."""

import itertools
import os
import signal
from contextlib import closing
from dataclasses import dataclass

import pytest
from promptqueue.machine.clock import Clock
from promptqueue.prompt import Outcome, Status
from promptqueue.storage import connect
from proxy.app import parts

KINDS = ["gevent", "threads"]
AT_ONCE = 20  # seconds; where anything is waited for, Gunicorn takes 25
AGAIN = {"X-Stainless-Retry-Count": "1"}
WHO = {"Authorization": "Bearer a"}


@dataclass(frozen=True)
class Ahead(Clock):
    """The clock as it will be in so many minutes."""

    minutes: int

    def monotonic(self):
        return super().monotonic() + 60 * self.minutes


@pytest.fixture
def restart(serve_tiny):
    """Start a server on the same queue and port as one that has ended."""

    def restart(server):
        another = serve_tiny(server.kind, port=server.port, DATABASE_URL=server.database_url)
        another.database_url = server.database_url
        return another

    return restart


def kill(server):
    for pid in [*server.workers, server.process.pid]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
def test_whoever_got_no_byte_is_told_to_come_again_and_finds_the_same_prompt(
    serve_tiny, restart, queue_at, hire_at, call, in_line, kind, stream
):
    server = serve_tiny(kind)
    queue = queue_at(server.database_url)
    one = call(server, headers=WHO, stream=stream)
    [prompt] = in_line(queue)

    assert server.stop() < AT_ONCE

    assert (one.head(), one.headers["retry-after"], one.headers["x-should-retry"]) == (503, "5", "true")
    assert one.rest().startswith("stopping: ")
    assert queue.get(prompt.id).status is Status.QUEUED
    again = call(restart(server), headers=WHO | AGAIN, stream=stream)
    worker = hire_at(server.database_url)
    worker.answer()
    assert again.head() == 200
    assert again.headers["x-prompt-id"] == prompt.id
    assert queue.counts().completed == 1


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_got_a_byte_sees_the_answer_broken_off(serve_tiny, queue_at, hire_at, call, in_line, kind):
    server = serve_tiny(kind, PATIENCE="0.1", WHOLE_PATIENCE="0.1")
    queue = queue_at(server.database_url)
    stream, whole = call(server, stream=True), call(server)
    assert (stream.head(), whole.head()) == (200, 200)
    streamed, waited = stream.headers["x-prompt-id"], whole.headers["x-prompt-id"]

    assert server.stop() < AT_ONCE

    assert stream.chunks()[-1] == "failure stopping\n"
    whole.chunks()
    assert (stream.is_whole, whole.is_whole) == (False, False)
    assert queue.get(streamed).outcome is Outcome.CANCELLED  # nobody asks for a stream again that has begun
    assert queue.get(waited).status is Status.QUEUED
    assert server.traceback == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_was_killed_leaves_its_prompts_to_whoever_comes_again(
    serve_tiny, restart, queue_at, hire_at, call, in_line, kind
):
    server = serve_tiny(kind)
    queue = queue_at(server.database_url)
    call(server, headers=WHO)
    [prompt] = in_line(queue)

    kill(server)
    server = restart(server)

    stranger = call(server, headers={"Authorization": "Bearer b"} | AGAIN)
    in_line(queue, 2)
    again = call(server, headers=WHO | AGAIN)
    worker = hire_at(server.database_url)
    worker.answer()
    assert (again.head(), again.headers["x-prompt-id"]) == (200, prompt.id)
    worker.answer()
    assert stranger.head() == 200
    assert stranger.headers["x-prompt-id"] != prompt.id


def test_the_same_request_without_a_sign_that_it_comes_again_is_another_prompt(
    serve_tiny, restart, queue_at, call, in_line
):
    server = serve_tiny("gevent")
    queue = queue_at(server.database_url)
    call(server)
    in_line(queue)
    server.stop()

    call(restart(server))

    in_line(queue, 2)


@pytest.mark.parametrize("ended", ["answered", "left"])
def test_what_its_client_has_had_or_has_left_is_taken_up_by_nobody(
    serve_tiny, restart, queue_at, hire_at, call, in_line, until, ended
):
    server = serve_tiny("gevent")
    queue = queue_at(server.database_url)
    one = call(server)
    [prompt] = in_line(queue)
    if ended == "answered":
        hire_at(server.database_url).answer()
        assert one.head() == 200
        one.rest()
    one.close()
    until(lambda: queue.get(prompt.id).status is Status.COMPLETED)
    server.stop()

    call(restart(server), headers=AGAIN)

    [another] = in_line(queue)
    assert another.id != prompt.id


def test_a_key_takes_up_a_prompt_after_a_restart_too(serve_tiny, restart, queue_at, hire_at, call, in_line, until):
    key = {"Idempotency-Key": "a-key-of-sixteen-characters"}
    server = serve_tiny("gevent")
    queue = queue_at(server.database_url)
    call(server, headers=key)
    [prompt] = in_line(queue)
    holder = queue.origin(prompt.id).holder
    server.stop()

    again = call(restart(server), headers=key)

    until(lambda: queue.origin(prompt.id).holder != holder)
    hire_at(server.database_url).answer()
    assert (again.head(), again.headers["x-prompt-id"]) == (200, prompt.id)


def test_what_was_answered_while_no_proxy_ran_is_there_for_whoever_comes_again(
    serve_tiny, restart, queue_at, hire_at, call, in_line
):
    server = serve_tiny("gevent")
    call(server, headers=WHO)
    [prompt] = in_line(queue_at(server.database_url))
    kill(server)
    hire_at(server.database_url).answer()

    again = call(restart(server), headers=WHO | AGAIN)

    assert (again.head(), again.headers["x-prompt-id"], again.rest()) == (200, prompt.id, '{"text":"Rayleigh."}')


def test_what_is_not_to_be_stored_is_erased_though_its_process_was_killed_and_nobody_comes_again(
    serve_tiny, queue_at, hire_at, call, in_line, until
):
    server = serve_tiny("gevent")
    queue, minutes = queue_at(server.database_url), itertools.count()
    prompts = []
    for is_stored in (True, False, True, False):
        call(server, is_stored=is_stored)
        prompts = in_line(queue, len(prompts) + 1)
    kill(server)
    worker = hire_at(server.database_url)
    for _ in range(2):
        worker.answer()

    def is_recovered():  # not at once: the process may take a while to be gone
        with closing(connect(server.database_url, clock=Ahead(next(minutes))).open()) as later:
            later.recover()
            return later.get(prompts[2].id).outcome and not later.is_behind()

    until(is_recovered)

    there = {each.prompt.id: each.prompt.outcome for each in queue.progress_of([prompt.id for prompt in prompts])}
    assert there == {prompts[0].id: Outcome.SUCCEEDED, prompts[2].id: Outcome.CANCELLED}


def test_a_process_that_is_to_stop_gives_its_prompts_away_before_it_has_ended(tiny_app, asking, queued, worker):
    stopping, other = tiny_app(), tiny_app()
    first = asking(at=stopping.test_client())
    prompt = queued()

    parts(stopping).stop()

    assert first.result.status_code == 503
    again = asking(at=other.test_client(), headers=AGAIN)
    worker.answer()
    assert (again.result.status_code, again.result.headers["X-Prompt-Id"]) == (200, prompt.id)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_does_not_read_keeps_no_process_from_its_end(serve_tiny, queue_at, hire_at, call, in_line, kind):
    server = serve_tiny(kind)
    one = call(server, buffer=4_096, stream=True)
    in_line(queue_at(server.database_url))
    worker = hire_at(server.database_url)
    worker.speak(worker.claim(), "x" * 5_000_000, write=True)
    assert one.head() == 200

    assert server.stop() < AT_ONCE

    one.chunks()
    assert not one.is_whole
