"""prune and erase_unrun: what was completed long ago goes, and the texts of what never ran before it."""

import pytest
from promptqueue.errors import NotRetryable, PromptNotFound
from promptqueue.prompt import NewPrompt

HOUR = 3600.0


@pytest.fixture
def complete(queue, begin, answered):
    """Complete a number of prompts; their ids."""
    return lambda number: [queue.finish(begin(), answered).id for _ in range(number)]


@pytest.fixture
def cancel(queue, ask):
    """Cancel a prompt in line; its id."""
    return lambda **values: queue.cancel(ask(**values)).id


def test_prompts_completed_longer_ago_are_erased_and_younger_ones_kept(queue, complete, clock):
    [old] = complete(1)
    clock.advance(1)
    [young] = complete(1)
    clock.advance(100)

    assert (queue.prunable(older_than=100), queue.prune(older_than=100)) == (1, 1)

    assert queue.get(young).outcome == "succeeded"
    assert queue.counts().completed == 1
    for verb in (queue.get, queue.request, queue.answer):
        with pytest.raises(PromptNotFound):
            verb(old)


def test_a_prompt_is_kept_for_exactly_as_long_as_told(queue, complete, clock):
    complete(1)

    clock.advance(100)
    exactly = queue.prune(older_than=100)
    clock.advance(0.5)

    assert (exactly, queue.prune(older_than=100)) == (0, 1)


def test_only_completed_prompts_are_erased(queue, begin, ask, clock):
    processing, queued = begin().prompt.id, ask()
    clock.advance(10_000)

    assert queue.prune(older_than=0) == 0
    assert [queue.get(processing).status, queue.get(queued).status] == ["processing", "queued"]


def test_it_is_the_completion_that_counts(queue, begin, answered, clock):
    claim = begin()
    clock.advance(10_000)
    queue.finish(claim, answered)

    assert queue.prune(older_than=1_000) == 0
    assert queue.get(claim.prompt.id).outcome == "succeeded"


def test_no_more_than_the_limit_go_at_once_and_a_hundred_unless_told_otherwise(queue, clock):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(106)))
    with queue.transaction():
        for one in accepted:
            queue.cancel(one.prompt.id)
    clock.advance(1)

    erased = [queue.prune(older_than=0), *(queue.prune(older_than=0, limit=4) for _ in range(3))]

    assert erased == [100, 4, 2, 0]


def test_nothing_to_do_writes_nothing(queue, another, ask, complete):
    complete(1)
    ask()

    with queue.transaction():
        assert another.prune(older_than=100) == another.erase_unrun(older_than=100) == 0


# ---- the texts of what never ran -------------------------------------------------------------------------------------


def test_the_text_of_what_expired_or_was_cancelled_in_line_is_erased_and_its_row_stays(queue, ask, cancel, clock):
    expired, cancelled = ask(expires_in=1), cancel()
    clock.advance(2)
    queue.recover()
    before = [queue.get(expired), queue.get(cancelled)]
    clock.advance(HOUR + 1)

    assert queue.erase_unrun(older_than=HOUR) == 2

    assert [queue.get(expired), queue.get(cancelled)] == before
    assert (queue.request(expired), queue.request(cancelled)) == (None, None)
    assert queue.erase_unrun(older_than=HOUR) == 0


def test_what_ran_or_may_run_or_ended_just_now_keeps_its_text(queue, ask, begin, complete, cancel, terms, clock):
    [ran] = complete(1)
    given_back = begin()
    queue.release(given_back)
    queue.cancel(given_back.prompt.id)
    waiting = ask()
    clock.advance(HOUR + 1)
    just_now = cancel()

    assert queue.erase_unrun(older_than=HOUR) == 0
    assert all(queue.request(prompt_id) for prompt_id in (ran, given_back.prompt.id, waiting, just_now))


def test_what_was_erased_cannot_be_tried_again_and_is_pruned_in_its_time(queue, cancel, clock):
    prompt_id = cancel()
    clock.advance(HOUR + 1)
    queue.erase_unrun(older_than=HOUR)

    with pytest.raises(NotRetryable, match="its text was erased"):
        queue.retry(prompt_id)
    assert queue.prune(older_than=HOUR) == 1


def test_no_more_texts_than_the_limit_go_at_once(queue, cancel, clock):
    for _ in range(3):
        cancel()
    clock.advance(HOUR + 1)

    assert [queue.erase_unrun(older_than=HOUR, limit=2) for _ in range(3)] == [2, 1, 0]
