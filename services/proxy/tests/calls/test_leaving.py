"""Leaving: a client that goes ends its prompt, however it goes and whenever; unless somebody else waits for it."""

import uuid

import pytest
from promptqueue.prompt import Outcome, Status
from wire import Wire

WAYS = [Wire.close, Wire.reset, Wire.half_close]


@pytest.fixture
def queue(served, queue_at):
    return queue_at(served.database_url)


@pytest.fixture
def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


@pytest.fixture
def outcome(queue, until):
    """Wait for a prompt to have ended; how."""

    def outcome(prompt):
        return until(lambda: queue.get(prompt.id).outcome)

    return outcome


@pytest.fixture
def noticed(served, call, queue, until):
    """Wait until the server has noticed whoever has left: another who leaves later is noticed later."""

    def noticed():
        witness = call(served)
        assert witness.head() == 200
        witness.close()
        until(lambda: queue.get(witness.headers["x-prompt-id"]).outcome is Outcome.CANCELLED)

    return noticed


@pytest.fixture(autouse=True)
def _nothing_left(served, queue, until):
    yield
    until(lambda: not queue.counts().queued and not queue.counts().processing)
    assert served.traceback == ""


@pytest.mark.parametrize("leave", WAYS)
@pytest.mark.parametrize("stream", [True, False])
def test_before_the_first_byte(served, call, in_line, queue, outcome, leave, stream):
    one = call(served, stream=stream)
    [prompt] = in_line(queue)

    leave(one)

    assert outcome(prompt) is Outcome.CANCELLED


@pytest.mark.parametrize("leave", WAYS)
@pytest.mark.parametrize("stream", [True, False])
def test_after_the_headers(served, call, in_line, queue, outcome, leave, stream):
    one = call(served, stream=stream)
    assert (one.head(), one.chunk()) == (200, "open\n" if stream else " ")
    [prompt] = in_line(queue)

    leave(one)

    assert outcome(prompt) is Outcome.CANCELLED


@pytest.mark.parametrize("leave", WAYS)
@pytest.mark.parametrize("stream", [True, False])
def test_while_it_is_answered(served, at_work, call, in_line, queue, outcome, leave, stream):
    one = call(served, stream=stream)
    [prompt] = in_line(queue)
    claim = at_work.claim()
    at_work.speak(claim, "Ray", write=True)
    assert one.head() == 200
    if stream:
        while one.chunk() != "1.0 Ray\n":
            pass

    leave(one)

    assert outcome(prompt) is Outcome.CANCELLED


@pytest.mark.parametrize("stream", [True, False])
def test_who_closes_its_half_never_takes_what_it_has_for_an_answer(served, call, stream):
    one = call(served, stream=stream)
    assert one.head() == 200

    one.half_close()

    one.chunks()
    assert not one.is_whole


def test_while_its_body_is_read_nothing_is_accepted(served, queue, until):
    before = queue.newest().prompts
    one = Wire(served.port, headers={"Content-Length": 100})

    one.close()

    until(lambda: served.serving == 0)
    assert queue.newest().prompts == before


def test_a_client_that_wants_its_prompt_kept_leaves_it(served, at_work, call, in_line, queue, outcome, noticed):
    one = call(served, headers={"X-On-Disconnect": "keep"})
    [prompt] = in_line(queue)

    one.close()

    noticed()
    assert queue.get(prompt.id).status is Status.QUEUED
    at_work.answer()
    assert outcome(prompt) is Outcome.SUCCEEDED


def test_of_two_calls_with_one_key_the_last_one_ends_the_prompt(served, call, in_line, queue, outcome, noticed, key):
    first, second = call(served, headers=key, stream=True), call(served, headers=key, stream=True)
    assert first.head() == second.head() == 200
    [prompt] = in_line(queue)

    first.close()

    noticed()
    assert queue.get(prompt.id).status is Status.QUEUED
    second.close()
    assert outcome(prompt) is Outcome.CANCELLED


def test_a_stream_that_may_be_left_is_left_alone(served, at_work, call, in_line, queue, outcome, noticed):
    holder = call(served)
    [prompt] = in_line(queue)
    one = call(served, f"/tiny/{prompt.id}/0/0", method="GET")
    assert one.head() == 200

    one.close()

    noticed()
    assert queue.get(prompt.id).status is Status.QUEUED
    at_work.answer()
    assert outcome(prompt) is Outcome.SUCCEEDED
    assert holder.head() == 200


def test_whoever_only_reads_along_keeps_no_prompt_whose_client_leaves(served, call, in_line, queue, outcome):
    holder = call(served)
    [prompt] = in_line(queue)
    one = call(served, f"/tiny/{prompt.id}/0/0", method="GET")
    assert one.head() == 200

    holder.close()

    assert outcome(prompt) is Outcome.CANCELLED


def test_a_prompt_that_is_to_be_kept_is_kept_whoever_else_leaves(served, at_work, call, in_line, queue, noticed, key):
    call(served, headers=key | {"X-On-Disconnect": "keep"}).close()
    [prompt] = in_line(queue)
    noticed()
    one = call(served, headers=key)
    assert (one.head(), one.headers["x-prompt-id"]) == (200, prompt.id)

    one.close()

    noticed()
    assert queue.get(prompt.id).status is Status.QUEUED
    at_work.answer()


def test_what_is_not_to_be_stored_is_erased_when_its_client_leaves(served, call, in_line, queue, until):
    one = call(served, is_stored=False)
    [prompt] = in_line(queue)

    one.close()

    until(lambda: not queue.progress_of([prompt.id]))
