"""Partial text that a server took back when it was killed, while the worker that wrote it lived on."""

import pytest
from promptqueue.prompt import NewPrompt, Terms


@pytest.fixture
def claim(queue):
    queue.enqueue(NewPrompt(request={"prompt": "Why?"}))
    return queue.claim(Terms(worker="worker"))


@pytest.fixture
def take_back(ask_server):
    """Let what was written at this offset never have reached the disk."""
    return lambda offset: ask_server("DELETE FROM partials WHERE at = %s RETURNING at", offset)


def test_text_with_a_gap_is_never_told(queue, claim, take_back):
    queue.write(claim, "one ", offset=0, tokens=1)
    queue.write(claim, "two ", offset=4, tokens=2)

    take_back(4)
    queue.write(claim, "three ", offset=8, tokens=3)
    queue.write(claim, "four ", offset=14, tokens=4)

    [progress] = queue.progress_of([claim.prompt.id])
    assert queue.text(claim.prompt.id).text == "one "
    assert (progress.text_length, progress.prompt.tokens) == (4, 4)


def test_what_follows_a_lost_beginning_is_not_taken_for_an_earlier_attempt_s_text(queue, claim, take_back):
    queue.write(claim, "earlier", offset=0, tokens=1)
    queue.release(claim)
    again = queue.claim(Terms(worker="worker"))

    queue.write(again, "one ", offset=0, tokens=1)
    take_back(0)
    queue.write(again, "two ", offset=4, tokens=2)

    assert queue.text(again.prompt.id) is None
