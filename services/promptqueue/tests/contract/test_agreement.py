"""agreement: nothing goes for good on the word of a wall clock that has just been set."""

import pytest
from promptqueue.prompt import Idempotency, NewPrompt

HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 31 * DAY


@pytest.fixture
def prune(queue):
    """Prune as the janitor does, with a retention of 30 days; how many prompts went."""
    return lambda: queue.prune(older_than=30 * DAY, agreed_for=DAY)


@pytest.fixture
def finished(queue, begin, answered):
    """A prompt that was completed at the beginning."""
    return queue.finish(begin(), answered).id


def test_the_first_who_asks_begins_it_and_it_grows_with_time_for_everybody(queue, another, clock):
    begun = queue.agreement()
    clock.advance(HOUR)

    assert (begun, queue.agreement(), another.agreement()) == (0, HOUR, HOUR)


@pytest.mark.parametrize("step", [MONTH, -MONTH, 61, -61])
def test_a_step_of_the_wall_clock_begins_it_anew_and_the_step_back_too(queue, clock, step):
    queue.agreement()
    clock.advance(DAY)

    clock.step_wall(step)
    stepped = queue.agreement()
    clock.advance(60)
    clock.step_wall(-step)
    back = queue.agreement()
    clock.advance(HOUR)

    assert (stepped, back, queue.agreement()) == (0, 0, HOUR)


@pytest.mark.parametrize("step", [59, -59])
def test_a_small_step_is_what_keeps_a_clock_right(queue, clock, step):
    queue.agreement()
    clock.advance(HOUR)
    clock.step_wall(step)

    assert queue.agreement() == HOUR


def test_many_small_steps_are_a_large_one(queue, clock):
    queue.agreement()
    agreed = []

    for _ in range(5):
        clock.advance(HOUR)
        clock.step_wall(40)
        agreed.append(queue.agreement())

    assert agreed == [HOUR, 0, HOUR, 0, HOUR]


def test_a_machine_that_slept_has_not_been_out_of_step(queue, clock):
    queue.agreement()
    clock.advance(HOUR)
    clock.sleep(DAY)

    assert queue.agreement() == HOUR + DAY


def test_as_long_as_it_holds_nothing_is_written(queue, another, clock):
    queue.agreement()
    clock.advance(HOUR)

    with queue.transaction():
        assert another.agreement() == HOUR


def test_prompts_are_pruned_once_the_clocks_have_agreed_for_a_day(finished, prune, clock):
    clock.advance(MONTH)

    erased = []
    for seconds in (DAY - 1, 1, 0):
        erased.append(prune())
        clock.advance(seconds)

    assert erased == [0, 0, 1]


def test_a_month_ahead_for_a_minute_and_back_erases_nothing(queue, finished, prune, clock):
    prune()
    clock.advance(2 * DAY)
    erased = [prune()]

    clock.step_wall(MONTH)
    for _ in range(4):
        erased.append(prune())
        clock.advance(15)
    clock.step_wall(-MONTH)
    for _ in range(48):
        erased.append(prune())
        clock.advance(HOUR)

    assert sum(erased) == 0
    assert queue.get(finished)


def test_a_clock_that_stays_a_month_ahead_is_believed_after_a_day(finished, prune, clock):
    prune()
    clock.step_wall(MONTH)

    erased = [prune()]
    clock.advance(DAY)

    assert [*erased, prune()] == [0, 1]


def test_whoever_prunes_by_hand_is_obeyed_at_once(queue, finished, clock):
    clock.step_wall(MONTH)

    assert queue.prune(older_than=30 * DAY) == 1


def test_keys_do_not_go_either(queue, prune, clock):
    new = NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="f"))
    [first] = queue.enqueue(new)
    prune()
    clock.step_wall(MONTH)

    prune()
    clock.step_wall(-MONTH)

    assert queue.enqueue(new)[0].prompt.id == first.prompt.id


def test_texts_of_what_never_ran_wait_for_it_as_well(queue, ask, clock):
    prompt_id = queue.cancel(ask()).id
    queue.agreement()
    erased = []

    for step in (MONTH, -MONTH):
        clock.step_wall(step)
        erased.append(queue.erase_unrun(older_than=50 * 60, agreed_for=30 * 60))
    clock.advance(50 * 60 + 1)

    assert erased == [0, 0]
    assert queue.request(prompt_id) is not None
    assert queue.erase_unrun(older_than=50 * 60, agreed_for=30 * 60) == 1
