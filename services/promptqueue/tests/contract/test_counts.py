"""counts: the queue as a whole."""

import pytest
from promptqueue.condition import Counts
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Priority

REFUSED = Failed(cause="no", code=ErrorCode.MODEL_REFUSED)


@pytest.fixture
def answer_in(queue, begin, clock):
    """Have a prompt answered that takes so many seconds."""

    def answer_one(seconds):
        claim = begin()
        clock.advance(seconds)
        queue.finish(claim, Answered(record={}, tokens=1))

    return answer_one


def test_an_empty_queue_counts_nothing(queue):
    assert queue.counts() == Counts(
        queued=0,
        lanes={"interactive": 0, "batch": 0},
        processing=0,
        completed=0,
        oldest_wait_seconds=None,
        completed_per_minute=0,
        seconds_per_prompt=None,
        paused=False,
    )


def test_every_status_is_counted_in_both_lanes(queue, ask, terms, answered):
    for lane in Priority:
        for _ in range(4):
            ask(priority=lane)
    queue.finish(queue.claim(terms), answered)
    queue.claim(terms)
    queue.cancel(ask(priority=Priority.BATCH))

    counts = queue.counts()

    assert (counts.queued, counts.processing, counts.completed) == (6, 1, 2)
    assert counts.lanes == {"interactive": 2, "batch": 4}


def test_the_oldest_wait_is_that_of_either_lane(queue, ask, clock, terms):
    ask(priority=Priority.BATCH)
    clock.advance(7)
    ask()
    clock.advance(5)

    both = queue.counts().oldest_wait_seconds
    queue.claim(terms)
    batch_alone = queue.counts().oldest_wait_seconds
    queue.claim(terms)

    assert (both, batch_alone, queue.counts().oldest_wait_seconds) == (12, 12, None)


def test_a_prompt_taken_back_waits_since_it_was_asked(queue, begin, clock):
    claim = begin()
    clock.advance(9)
    queue.release(claim)

    assert queue.counts().oldest_wait_seconds == 9


def test_a_wall_clock_set_back_makes_no_wait_negative(queue, ask, clock):
    ask()

    clock.step_wall(-3_600)

    assert queue.counts().oldest_wait_seconds == 0


def test_the_rate_is_that_of_the_last_minute(queue, answer_in, clock):
    for _ in range(3):
        answer_in(10)
    rates = []

    for _ in range(4):
        clock.advance(15)
        rates.append(queue.counts().completed_per_minute)

    assert rates == [3, 3, 2, 0]  # at first they ended 35, 25 and 15 seconds ago; exactly a minute is too long


def test_only_answers_make_a_rate_and_tell_how_long_one_takes(queue, ask, begin, answer_in, clock):
    answer_in(1)
    queue.cancel(ask())
    claim = begin()
    clock.advance(10)
    queue.finish(claim, REFUSED)

    counts = queue.counts()

    assert (counts.completed, counts.completed_per_minute, counts.seconds_per_prompt) == (3, 1, 1)


def test_the_time_of_a_prompt_is_the_mean_of_the_last_twenty_answers(queue, answer_in):
    answer_in(1_000)
    for _ in range(10):
        answer_in(2)
    for _ in range(10):
        answer_in(4)

    assert queue.counts().seconds_per_prompt == 3


def test_the_time_of_a_prompt_is_that_of_its_last_attempt_by_the_monotonic_clock(queue, begin, terms, clock, answered):
    claim = begin()
    clock.advance(10)
    queue.finish(claim, Failed(cause="reset"))
    clock.advance(10)
    claim = queue.claim(terms)
    clock.step_wall(3_600)
    clock.advance(4)
    queue.finish(claim, answered)

    assert queue.counts().seconds_per_prompt == 4


def test_counting_waits_for_no_turn(queue, another, ask):
    ask()

    with queue.transaction():
        queue.enqueue(NewPrompt(request={}))
        assert another.counts().queued == 1
