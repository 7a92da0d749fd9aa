"""get: where a prompt stands, and whether a deadline of it has passed."""

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import NewPrompt, Status


def test_an_unknown_id_is_not_found(queue, unknown):
    with pytest.raises(PromptNotFound, match=r"^No prompt has this id\.$"):
        queue.get(unknown)


def test_a_processing_prompt_tells_its_attempt_and_start(queue, ask, terms, clock):
    prompt_id = ask()
    clock.advance(4)

    queue.claim(terms)

    prompt = queue.get(prompt_id)
    assert (prompt.status, prompt.outcome, prompt.attempt, prompt.tokens) == (Status.PROCESSING, None, 1, 0)
    assert (prompt.started_at, prompt.completed_at) == (clock.wall(), None)


def test_a_reader_waits_for_no_writer_and_sees_nothing_uncommitted(queue, another, ask):
    prompt_id = ask()

    with queue.transaction():
        queue.cancel(prompt_id)
        seen = another.get(prompt_id)

    assert seen.status is Status.QUEUED
    assert another.get(prompt_id).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("values", "is_claimed", "deadline"),
    [
        ({"expires_in": 10}, False, 10),
        ({}, True, 15),  # its lease
        ({"timeout": 5}, True, 6),  # a moment later: its own worker, which knows the last of its text, comes first
    ],
    ids=["waited as long as it may", "lease over", "ran as long as it may"],
)
def test_a_prompt_is_overdue_from_its_deadline_on(queue, ask, terms, clock, values, is_claimed, deadline):
    prompt_id = ask(**values)
    if is_claimed:
        queue.claim(terms)

    clock.advance(deadline - 0.5)
    before = queue.get(prompt_id).overdue
    clock.advance(0.5)

    assert (before, queue.get(prompt_id).overdue) == (False, True)


def test_a_processing_prompt_no_longer_expires(queue, begin, clock):
    claim = begin(expires_in=10)

    clock.advance(10)

    assert not queue.get(claim.prompt.id).overdue


def test_a_completed_prompt_is_never_overdue(queue, begin, clock, answered):
    prompt = queue.finish(begin(expires_in=10, timeout=10), answered)

    clock.advance(10_000)

    assert not queue.get(prompt.id).overdue


def test_a_prompt_is_its_owners_for_life(queue):
    [mine] = queue.enqueue(NewPrompt(request={"prompt": "hello"}, owner=7))
    [nobodys] = queue.enqueue(NewPrompt(request={"prompt": "hello"}))

    assert (
        queue.get(mine.prompt.id).owner == queue.cancel(mine.prompt.id).owner == queue.retry(mine.prompt.id).owner == 7
    )
    assert queue.get(nobodys.prompt.id).owner == 0
