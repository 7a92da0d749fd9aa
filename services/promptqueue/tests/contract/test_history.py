"""history, observe: what the queue did in each of the last minutes, and how its line stood."""

import pytest
from promptqueue.prompt import Answered, ErrorCode, Failed, Priority, PutBack

REFUSED = Failed(cause="no", code=ErrorCode.MODEL_REFUSED)


@pytest.fixture(autouse=True)
def at_a_full_minute(clock):
    clock.advance(60 - clock.wall() % 60)


@pytest.fixture
def end(queue, begin):
    """Have a prompt end so."""

    def end_one(ending):
        return queue.finish(begin(), ending).id

    return end_one


@pytest.fixture
def watch(queue, clock):
    """Observe the line each second for so many seconds, as a janitor does, beginning now."""

    def watch_for(seconds, seen=None, *, by=queue):
        for _ in range(seconds):
            seen = by.observe(seen)
            clock.advance(1)
        return seen

    return watch_for


@pytest.fixture
def counted(queue):
    """What ended in each of the last minutes."""
    return lambda number: [(each.completed, each.failed, each.tokens) for each in queue.history(number)]


@pytest.fixture
def waiting(queue):
    """How many waited in each of the last minutes, and for how long the first."""
    return lambda number: [(each.queued, each.oldest_wait_seconds) for each in queue.history(number)]


def tokens(number):
    return Answered(record={}, tokens=number)


def test_the_last_minutes_come_in_order_and_the_present_one_is_the_last(queue, clock):
    now = clock.wall()
    clock.advance(59)

    assert [each.start for each in queue.history(3)] == [now - 120, now - 60, now]


@pytest.mark.parametrize("number", [1, 7, 60])
def test_each_minute_is_there_whatever_is_known_of_it(queue, number):
    assert len(queue.history(number)) == number


def test_ends_are_counted_in_their_minute(end, counted, clock):
    end(tokens(3))
    end(tokens(4))
    clock.advance(60)
    end(REFUSED)
    clock.advance(120)
    end(tokens(5))

    assert counted(5) == [(0, 0, 0), (2, 0, 7), (0, 1, 0), (0, 0, 0), (1, 0, 5)]


def test_what_is_over_an_hour_ago_is_not_told(end, counted, clock):
    end(tokens(3))

    clock.advance(59 * 60)
    last = counted(60)
    clock.advance(60)

    assert (last[0], sum(each[0] for each in last), sum(each[0] for each in counted(60))) == ((1, 0, 3), 1, 0)


def test_every_way_to_fail_is_counted_and_no_other_end_is_a_failure(queue, ask, begin, end, counted, clock, hire):
    end(REFUSED)
    queue.finish(begin(hire(max_failures=1).terms), PutBack(cause="reset", counts=True))  # its budget is spent
    begin(timeout=5)
    clock.advance(6)
    queue.recover()  # ran too long
    ask(expires_in=1)
    clock.advance(1)
    queue.recover()
    queue.cancel(ask())
    queue.delete(ask())

    assert counted(1) == [(0, 3, 0)]


def test_an_attempt_that_goes_back_into_the_line_is_no_end(queue, begin, counted):
    queue.finish(begin(), Failed(cause="reset"))

    assert counted(1) == [(0, 0, 0)]


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_the_tokens_of_a_prompt_that_is_stopped_count(queue, begin, counted, verb):
    claim = begin()
    queue.write(claim, "so far", offset=0, tokens=2)

    getattr(queue, verb)(claim.prompt.id)

    assert counted(1) == [(0, 0, 2)]


def test_an_end_is_counted_once_whoever_comes_to_it_too(queue, another, end, counted, answered, begin):
    claim = begin()
    queue.cancel(claim.prompt.id)
    for late in (queue, another):
        late.cancel(claim.prompt.id)
        late.settle(claim.prompt.id)
        late.recover()

    assert counted(1) == [(0, 0, 0)]
    prompt_id = end(answered)
    another.cancel(prompt_id)
    assert counted(1) == [(1, 0, 3)]


def test_what_was_counted_stays_when_its_prompt_is_retried_deleted_or_pruned(queue, end, counted, clock, terms):
    retried = end(Failed(cause="no", code=ErrorCode.TIMED_OUT))
    deleted, _ = end(tokens(2)), end(tokens(3))
    clock.advance(60)

    queue.retry(retried)
    queue.delete(deleted)
    queue.prune(older_than=30)
    before = counted(2)
    queue.finish(queue.claim(terms), tokens(4))

    assert (before, counted(2)) == ([(2, 1, 5), (0, 0, 0)], [(2, 1, 5), (1, 0, 4)])


def test_an_end_that_is_undone_is_not_counted(queue, begin, counted, answered):
    claim = begin()

    def finish_and_break():
        with queue.transaction():
            queue.finish(claim, answered)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish_and_break()

    assert counted(1) == [(0, 0, 0)]


# ---- the line --------------------------------------------------------------------------------------------------------


def test_where_nobody_looked_nobody_knows_how_the_line_stood(ask, waiting, clock):
    ask()
    clock.advance(120)

    assert waiting(3) == [(None, None), (None, None), (1, 120)]


def test_the_line_is_told_as_it_stood_when_each_minute_was_young(ask, watch, waiting, queue, terms):
    seen = watch(60)
    ask()
    seen = watch(60, seen)
    ask(priority=Priority.BATCH)
    queue.claim(terms)
    seen = watch(60, seen)

    assert waiting(4) == [(0, None), (1, 0), (1, 0), (1, 60)]


def test_of_a_line_that_stands_still_each_minute_is_known(ask, watch, waiting, clock):
    for _ in range(2):
        ask()
    watch(1)

    clock.advance(4 * 60 - 1)  # nobody looks

    assert waiting(6) == [(None, None), (2, 0), (2, 60), (2, 120), (2, 180), (2, 240)]


def test_until_when_a_line_stood_still_is_known_once_it_moves(ask, watch, waiting):
    seen = watch(10 * 60 + 30)
    ask()
    seen = watch(60, seen)

    assert waiting(12)[:11] == [(0, None)] * 11


def test_a_line_that_moved_while_nobody_looked_is_not_known_meanwhile(ask, watch, waiting, clock, queue):
    seen = watch(60)
    clock.advance(5)
    ask()
    clock.advance(175)

    watch(1, seen)

    assert waiting(5) == [(0, None), (None, None), (None, None), (None, None), (1, 176)]


def test_an_observer_that_begins_anew_goes_on_where_the_last_one_ended(ask, watch, waiting):
    watch(3 * 60)
    seen = watch(2 * 60)
    ask()
    watch(60, seen)

    assert [each[0] for each in waiting(7)] == [0, 0, 0, 0, 0, 1, 1]


def test_two_observers_note_one_minute_once(queue, another, ask, watch, waiting):
    one, other = watch(1), watch(1, by=another)
    for _ in range(3):
        ask()
        one, other = watch(30, one), watch(30, other, by=another)

    assert [each[0] for each in waiting(4)] == [0, 1, 2, 3]


def test_looking_at_a_line_that_stands_still_writes_nothing(queue, another, ask, watch, clock):
    ask()
    seen = watch(61)

    with queue.transaction():
        for _ in range(3):
            clock.advance(60)
            seen = another.observe(seen)
        another.observe()


def test_looking_writes_once_a_minute_while_the_line_moves(queue, another, ask, watch, clock):
    seen = another.observe(watch(1))
    ask()
    seen = another.observe(seen)

    with queue.transaction():
        for _ in range(10):
            clock.advance(5)
            queue.enqueue()
            seen = another.observe(seen)


def test_after_the_last_end_that_leaves_nobody_waiting_there_is_nothing_to_write(queue, another, watch, end, clock):
    watch(60)
    end(tokens(1))
    seen = another.observe()
    clock.advance(60)

    with queue.transaction():
        for _ in range(3):
            seen = another.observe(seen)
            clock.advance(60)


def test_of_a_line_that_a_short_prompt_alone_went_through_all_minutes_are_known(waiting, watch, end):
    seen = watch(10 * 60 + 20)
    end(tokens(1))
    seen = watch(10 * 60, seen)
    end(tokens(2))

    watch(60, seen)

    assert waiting(22) == [(0, None)] * 22


def test_in_a_minute_that_an_end_began_the_line_is_known(ask, queue, terms, waiting, watch, clock):
    seen = None
    for _ in range(4):
        clock.advance(0.5)
        ask()
        ask()
        queue.finish(queue.claim(terms), tokens(1))
        queue.finish(queue.claim(terms), tokens(1))
        seen = watch(59, seen)
        clock.advance(0.5)

    assert waiting(5) == [(0, None)] * 5


# ---- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [7200, -7200, 86_400 * 400, 40, -40, 29, -31])
def test_a_wall_clock_that_is_set_renames_minutes_and_loses_nothing_and_counts_nothing_twice(
    end, counted, clock, seconds
):
    end(tokens(1))
    clock.advance(20 * 60)
    end(tokens(2))
    clock.advance(5 * 60 + 10)

    clock.step_wall(seconds)
    end(tokens(4))
    while_set = counted(60)
    clock.step_wall(-seconds)

    for told in (while_set, counted(60)):
        ages = {counted: age for age, counted in enumerate(reversed(told)) if counted != (0, 0, 0)}
        assert sorted(ages) == [(1, 0, 1), (1, 0, 2), (1, 0, 4)]
        assert [ages[1, 0, number] for number in (1, 2, 4)] == pytest.approx([25, 5, 0], abs=1)


def test_a_wall_clock_that_is_set_hides_not_how_the_line_stood(ask, watch, waiting, clock):
    ask()
    watch(3 * 60)

    clock.step_wall(-3_600)

    assert [each[0] for each in waiting(5)] == [None, 1, 1, 1, 1]


def test_a_clock_that_is_kept_in_step_by_small_changes_makes_no_minute_twice(ask, waiting, clock, queue):
    seen = None
    for _ in range(5):
        for second in range(60):
            clock.step_wall((-1) ** second * 0.4)
            ask()
            seen = queue.observe(seen)
            clock.advance(1)

    assert [each[0] for each in waiting(6)] == [1, 61, 121, 181, 241, 300]


def test_a_machine_that_slept_knows_how_long(end, counted, clock):
    end(tokens(1))
    clock.sleep(120)

    assert counted(3) == [(1, 0, 1), (0, 0, 0), (0, 0, 0)]
