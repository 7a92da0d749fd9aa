"""cancel: at once and for good, whoever has the prompt."""

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, Outcome, Status


def test_a_queued_prompt_is_completed_as_cancelled_at_once_and_not_claimed(queue, ask, terms, clock):
    prompt_id = ask()
    clock.advance(3)

    prompt = queue.cancel(prompt_id)

    assert (prompt.status, prompt.outcome) == (Status.COMPLETED, Outcome.CANCELLED)
    assert (prompt.completed_at, prompt.error.code) == (clock.wall(), ErrorCode.CANCELLED)
    assert prompt.error.message == "The prompt was cancelled."
    assert queue.get(prompt_id) == prompt
    assert queue.claim(terms) is None


def test_a_processing_prompt_is_cancelled_without_its_worker(queue, begin):
    prompt = queue.cancel(begin().prompt.id)

    assert (prompt.status, prompt.outcome, prompt.attempt) == (Status.COMPLETED, Outcome.CANCELLED, 1)


def test_cancelling_again_changes_nothing(queue, ask, clock):
    first = queue.cancel(ask())
    clock.advance(60)

    assert queue.cancel(first.id) == first


def test_a_finished_prompt_is_returned_unchanged(queue, begin, answered):
    finished = queue.finish(begin(), answered)

    assert queue.cancel(finished.id) == finished
    assert queue.answer(finished.id) == answered.record


def test_a_retry_that_waits_can_be_cancelled(queue, ask, fail, terms, clock):
    prompt_id = ask()
    fail(2)

    queue.cancel(prompt_id)

    clock.advance(60)
    assert queue.claim(terms) is None
    assert queue.get(prompt_id).failures == 2


def test_a_cancelled_prompt_stays_cancelled_whatever_the_caretakers_do(queue, begin, worker, clock):
    cancelled = queue.cancel(begin(expires_in=1).prompt.id)
    worker.die()
    clock.advance(10_000)

    assert queue.recover().total == 0
    assert queue.settle(cancelled.id) == cancelled


def test_an_unknown_prompt_cannot_be_cancelled(queue, unknown):
    with pytest.raises(PromptNotFound):
        queue.cancel(unknown)
