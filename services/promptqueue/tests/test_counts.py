import pytest
from promptqueue.condition import Counts
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Priority
from promptqueue.sqlite.verbs import condition


def test_an_empty_queue_counts_nothing(queue):
    assert queue.counts() == Counts(
        queued=0,
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


def test_counters_equal_a_real_count_after_every_verb(queue, ask, hire, clock, answered, real_counts):
    worker = hire(max_failures=2)
    for lane in [*Priority] * 4:
        ask(priority=lane, expires_in=100)
    seen = [real_counts()]

    def then(*_):
        seen.append(real_counts())

    then(queue.finish(queue.claim(worker.terms), answered))
    then(queue.finish(queue.claim(worker.terms), Failed(cause="reset")))
    then(queue.release(queue.claim(worker.terms)))
    then(queue.finish(queue.claim(worker.terms), Failed(cause="no", code=ErrorCode.MODEL_REFUSED)))
    claim = queue.claim(worker.terms)
    then(queue.write(claim, "a", offset=0, tokens=1))
    then(queue.cancel(claim.prompt.id))
    then(queue.delete(claim.prompt.id))
    queue.claim(worker.terms)
    then(worker.die())
    then(queue.recover())
    clock.advance(100)
    then(queue.recover())
    then(queue.prune(older_than=1, limit=1))

    assert seen[0] == {("queued", "interactive"): 4, ("queued", "batch"): 4}
    assert seen[-2] == {("completed", "interactive"): 3, ("completed", "batch"): 4}  # one was deleted
    assert sum(seen[-1].values()) == 6


def test_the_cost_of_totals_does_not_grow_with_what_is_stored(queue):
    plan = queue._database.run(
        "EXPLAIN QUERY PLAN SELECT status, sum(prompts) AS prompts FROM counters GROUP BY status"
    )

    assert [row["detail"] for row in plan] == ["SCAN counters"]


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


def test_a_prompt_taken_back_waits_since_it_was_asked(queue, ask, clock, terms):
    ask()
    claim = queue.claim(terms)
    clock.advance(9)
    queue.release(claim)

    assert queue.counts().oldest_wait_seconds == 9


def test_a_wall_clock_set_back_makes_no_wait_negative(queue, ask, clock):
    ask()

    clock.step_wall(-3_600)

    assert queue.counts().oldest_wait_seconds == 0


@pytest.fixture
def answer_in(queue, ask, terms, clock):
    def answer_one(seconds):
        prompt_id = ask()
        claim = queue.claim(terms)
        clock.advance(seconds)
        queue.renew(claim)
        queue.finish(claim, Answered(record={}, tokens=1))
        return prompt_id

    return answer_one


def test_the_rate_is_that_of_the_last_minute(queue, answer_in, clock):
    for _ in range(3):
        answer_in(10)
    rates = []

    for _ in range(4):
        clock.advance(15)
        rates.append(queue.counts().completed_per_minute)

    assert rates == [3, 3, 2, 0]  # at first they ended 35, 25 and 15 seconds ago; exactly a minute is too long


def test_only_answers_make_a_rate(queue, ask, answer_in, terms):
    answer_in(1)
    queue.cancel(ask())
    ask()
    queue.finish(queue.claim(terms), Failed(cause="no", code=ErrorCode.MODEL_REFUSED))

    assert queue.counts().completed_per_minute == 1
    assert queue.counts().completed == 3


def test_a_high_rate_is_worked_out_from_a_sample(queue, answer_in, monkeypatch):
    monkeypatch.setattr(condition, "RATE_SAMPLE", 5)
    for _ in range(10):
        answer_in(0.5)

    assert queue.counts().completed_per_minute == 150  # the last five ended within two seconds


def test_the_time_of_a_prompt_is_the_mean_of_the_last_twenty_answers(queue, answer_in):
    answer_in(1_000)
    for _ in range(10):
        answer_in(2)
    for _ in range(10):
        answer_in(4)

    assert queue.counts().seconds_per_prompt == 3


def test_the_time_of_a_prompt_is_that_of_its_last_attempt_by_the_monotonic_clock(queue, ask, hire, clock, answered):
    ask()
    terms = hire().terms
    claim = queue.claim(terms)
    clock.advance(10)
    queue.finish(claim, Failed(cause="reset"))
    clock.advance(10)
    claim = queue.claim(terms)
    clock.step_wall(3_600)
    clock.advance(4)
    queue.finish(claim, answered)

    assert queue.counts().seconds_per_prompt == 4


def test_prompts_without_an_answer_tell_nothing_about_the_time(queue, ask, terms, clock):
    ask()
    claim = queue.claim(terms)
    clock.advance(10)
    queue.finish(claim, Failed(cause="no", code=ErrorCode.MODEL_REFUSED))

    assert queue.counts().seconds_per_prompt is None


def test_a_paused_queue_says_so(queue, another):
    queue.pause(True)

    assert another.counts().paused


def test_counting_waits_for_no_turn(queue, another, ask):
    ask()

    with queue.transaction():
        queue.enqueue(NewPrompt(request={}))
        assert another.counts().queued == 1
