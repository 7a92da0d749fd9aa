"""A file outlives its machine's boot: what was measured by a clock that began anew with it means nothing afterwards."""

import pytest
from promptqueue.prompt import PutBack, Trouble

DAY = 24 * 3600.0


@pytest.fixture
def journal():
    return "auto"  # all the same here


def test_whatever_was_processed_is_overdue_and_taken_back(queue, care, begin, clock):
    claim = begin()

    clock.reboot()  # the monotonic clock is far below the lease's end

    assert queue.get(claim.prompt.id).overdue
    prompt = care(claim.prompt.id)
    assert (prompt.status, prompt.failures) == ("queued", 1)


def test_a_loss_by_a_boot_counts_and_the_last_of_the_budget_is_the_end(queue, care, begin, hire, clock):
    claim = begin(hire(max_failures=1).terms)

    clock.reboot()

    message = care(claim.prompt.id).error.message
    assert message == "Gave up after 1 failed attempts; the last: the worker that held it is gone"


def test_a_completed_prompt_is_not_overdue(queue, begin, answered, clock):
    prompt = queue.finish(begin(), answered)

    clock.reboot()

    assert not queue.get(prompt.id).overdue


def test_a_wait_is_over(queue, ask, fail, terms, clock):
    prompt_id = ask()
    fail(2)

    clock.reboot()

    assert queue.claim(terms).prompt.id == prompt_id


def test_nobody_knows_how_long_ago_a_bad_end_was(queue, begin, terms, clock):
    queue.finish(begin(), PutBack(cause="the connection broke off", counts=False))

    clock.reboot()

    assert queue.claim(terms).trouble == Trouble(bad_ends=1)


def test_the_clocks_have_to_agree_anew(queue, begin, answered, clock):
    queue.finish(begin(), answered)
    queue.agreement()
    clock.advance(31 * DAY)

    clock.reboot()
    agreed = queue.agreement()
    early = queue.prune(older_than=30 * DAY, agreed_for=DAY)
    clock.advance(DAY)

    assert (agreed, early, queue.agreement()) == (0, 0, DAY)
    assert queue.prune(older_than=30 * DAY, agreed_for=DAY) == 1
