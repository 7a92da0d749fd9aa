"""Nothing goes for good on the word of a wall clock that has just been set."""

import pytest
from promptqueue.prompt import Answered, Idempotency, NewPrompt

HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 31 * DAY


@pytest.fixture
def prune(queue):
    """Prune as the janitor does, with a retention of 30 days; how many prompts went."""
    return lambda: queue.prune(older_than=30 * DAY, agreed_for=DAY)


@pytest.fixture
def finish(queue, ask, terms):
    def finish_one():
        prompt_id = ask()
        queue.finish(queue.claim(terms), Answered(record={"response": "hi"}, tokens=1))
        return prompt_id

    return finish_one


def test_the_first_who_asks_begins_it_and_it_grows_with_time(queue, clock):
    begun = queue.agreement()
    clock.advance(HOUR)

    assert (begun, queue.agreement()) == (0, HOUR)


def test_it_does_not_begin_anew_with_another_instance(queue, clock, open_queue):
    queue.agreement()
    clock.advance(HOUR)

    assert open_queue().agreement() == HOUR


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


def test_another_boot_begins_it_anew(queue, clock):
    queue.agreement()
    clock.advance(DAY)

    clock.reboot()
    after = queue.agreement()
    clock.advance(HOUR)

    assert (after, queue.agreement()) == (0, HOUR)


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


def test_prompts_are_pruned_once_the_clocks_have_agreed_for_a_day(queue, finish, prune, clock):
    finish()
    clock.advance(MONTH)

    erased = []
    for seconds in (DAY - 1, 1, 0):
        erased.append(prune())
        clock.advance(seconds)

    assert erased == [0, 0, 1]


def test_a_month_ahead_for_a_minute_and_back_erases_nothing(queue, finish, prune, clock):
    finish()
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
    assert queue.counts().completed == 1


def test_a_clock_that_stays_a_month_ahead_is_believed_after_a_day(finish, prune, clock):
    finish()
    prune()
    clock.step_wall(MONTH)

    erased = [prune()]
    clock.advance(DAY)

    assert [*erased, prune()] == [0, 1]


def test_a_boot_waits_for_its_day(finish, prune, clock):
    finish()
    prune()
    clock.advance(MONTH)
    clock.reboot()

    assert prune() == 0
    clock.advance(DAY)
    assert prune() == 1


def test_whoever_prunes_by_hand_is_obeyed_at_once(queue, finish, clock):
    finish()
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


def test_a_key_is_known_for_as_long_as_a_clock_that_was_set_is_doubted(queue, clock):
    new = NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="f"))
    [first] = queue.enqueue(new)
    queue.agreement()

    clock.step_wall(MONTH)
    before_anybody_looked = queue.enqueue(new)[0]
    queue.agreement()
    afterwards = queue.enqueue(new)[0]
    clock.advance(DAY)
    believed = queue.enqueue(new)[0]

    assert [before_anybody_looked.prompt.id, afterwards.prompt.id] == [first.prompt.id] * 2
    assert (believed.replayed, believed.prompt.id == first.prompt.id) == (False, False)


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
