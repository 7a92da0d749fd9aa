"""recover and settle: a prompt that waited or ran too long is ended by whoever is alive."""

from promptqueue.prompt import ErrorCode, Outcome, Status


def test_a_prompt_expires_exactly_when_it_waited_as_long_as_it_may(care, ask, clock):
    prompt_id = ask(expires_in=10)

    clock.advance(9.5)
    before = care(prompt_id)
    clock.advance(0.5)
    prompt = care(prompt_id)

    assert before.status is Status.QUEUED
    assert (prompt.status, prompt.outcome) == (Status.COMPLETED, Outcome.EXPIRED)
    assert (prompt.error.code, prompt.completed_at) == (ErrorCode.EXPIRED, clock.wall())
    assert prompt.error.message == "The prompt was not started within the time it may wait."


def test_a_retry_that_waits_expires_too(queue, care, ask, fail, clock):
    prompt_id = ask(expires_in=10)
    fail(2)

    clock.advance(10)

    assert care(prompt_id).outcome is Outcome.EXPIRED


def test_a_released_prompt_may_expire(queue, care, begin, clock):
    claim = begin(expires_in=10)
    clock.advance(10)
    queue.release(claim)

    assert care(claim.prompt.id).outcome is Outcome.EXPIRED


def test_a_prompt_taken_back_after_its_time_to_wait_expires_at_once(care, begin, worker, clock):
    claim = begin(worker.terms, expires_in=10)
    worker.die()
    clock.advance(10)

    prompt = care(claim.prompt.id)

    assert (prompt.outcome, prompt.failures, prompt.overdue) == (Outcome.EXPIRED, 1, False)


def test_a_prompt_that_runs_does_not_expire(care, begin, clock):
    claim = begin(expires_in=10)

    clock.advance(10)

    assert care(claim.prompt.id).status is Status.PROCESSING


def test_a_prompt_that_ran_too_long_ends_without_another_attempt(queue, care, begin, clock):
    claim = begin(timeout=5)
    clock.advance(5.5)
    queue.renew(claim)
    before = care(claim.prompt.id)

    clock.advance(0.5)
    prompt = care(claim.prompt.id)

    assert before.status is Status.PROCESSING  # a moment is left to its own worker
    assert (prompt.status, prompt.outcome, prompt.failures) == (Status.COMPLETED, Outcome.FAILED, 0)
    assert prompt.error.code is ErrorCode.TIMED_OUT
    assert prompt.error.message == "The prompt ran longer than it may."


def test_the_workers_own_limit_on_the_time_to_run_is_kept_too_and_no_renewal_moves_it(queue, care, begin, hire, clock):
    claim = begin(hire(timeout_seconds=20).terms)
    for _ in range(3):
        clock.advance(7)
        queue.renew(claim)

    assert care(claim.prompt.id).error.code is ErrorCode.TIMED_OUT


def test_a_worker_that_hung_before_the_time_to_run_was_over_costs_a_failure_alone(care, begin, clock):
    claim = begin(timeout=20)

    clock.advance(1_000)  # nobody looked before

    prompt = care(claim.prompt.id)
    assert (prompt.status, prompt.failures) == (Status.QUEUED, 1)


def test_whatever_is_overdue_is_not_so_any_more(queue, care, ask, terms, clock):
    ids = [ask(expires_in=10), ask(timeout=5), ask()]
    claims = [queue.claim(terms) for _ in ids]
    queue.release(claims[0])
    clock.advance(6)
    queue.renew(claims[1])
    queue.renew(claims[2])
    clock.advance(15)
    overdue = [queue.get(prompt_id).overdue for prompt_id in ids]

    assert overdue == [True, True, True]
    assert [care(prompt_id).overdue for prompt_id in ids] == [False, False, False]


def test_any_number_of_expired_prompts_is_ended_in_the_end(queue, ask, clock):
    with queue.transaction():
        for _ in range(520):
            ask(expires_in=1)
    clock.advance(1)

    ended = list(iter(lambda: queue.recover().expired, 0))

    assert sum(ended) == queue.counts().completed == 520
