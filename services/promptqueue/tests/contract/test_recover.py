"""recover and settle: a prompt whose worker or lease is gone is taken back by whoever is alive."""

import pytest
from promptqueue.condition import Recovered
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Outcome, Status


def test_a_prompt_whose_worker_is_gone_is_back_in_its_old_place(queue, care, ask, worker):
    first, second = ask(), ask()
    queue.claim(worker.terms)
    worker.die()

    prompt = care(first)

    assert (prompt.status, prompt.failures, prompt.attempt, prompt.started_at) == (Status.QUEUED, 1, 1, None)
    assert [queue.position(first), queue.position(second)] == [1, 2]


def test_a_prompt_whose_worker_lives_stays_with_it(care, begin):
    claim = begin()

    assert care(claim.prompt.id) == claim.prompt


def test_only_the_prompts_of_the_dead_are_taken_back(queue, begin, hire):
    dead, living = hire(), hire()
    [of_the_dead, of_the_living] = [begin(worker.terms).prompt.id for worker in (dead, living)]
    dead.die()

    recovered = queue.recover()

    assert recovered == Recovered(requeued=1)
    assert [queue.get(of_the_dead).status, queue.get(of_the_living).status] == ["queued", "processing"]


@pytest.mark.parametrize("lease", [15, 100])
def test_the_lease_is_that_of_the_terms_and_over_exactly_at_its_end(care, begin, hire, clock, lease):
    claim = begin(hire(lease_seconds=lease).terms)

    clock.advance(lease - 0.001)
    before = care(claim.prompt.id)
    clock.advance(0.001)
    after = care(claim.prompt.id)

    assert (before.status, after.status, after.failures) == (Status.PROCESSING, Status.QUEUED, 1)


@pytest.mark.parametrize("step", [3_600, -3_600, 10**9, -(10**9)])
def test_the_wall_clock_neither_ends_nor_prolongs_a_lease(care, begin, clock, step):
    claim = begin()

    clock.step_wall(step)
    before = care(claim.prompt.id)
    clock.advance(15)

    assert (before.status, care(claim.prompt.id).status) == (Status.PROCESSING, Status.QUEUED)


@pytest.mark.parametrize("step", [3_600, -3_600])
def test_a_lease_is_as_long_after_the_wall_clock_was_set(queue, care, begin, clock, step):
    clock.step_wall(step)
    claim = begin()
    clock.advance(10)
    clock.step_wall(step)
    queue.renew(claim)

    clock.advance(14.5)
    before = care(claim.prompt.id).status
    clock.advance(0.5)

    assert (before, care(claim.prompt.id).status) == (Status.PROCESSING, Status.QUEUED)


@pytest.mark.parametrize("loss", ["is gone", "stopped renewing its lease"])
def test_every_loss_counts_and_the_last_of_the_budget_is_the_end(care, ask, queue, hire, clock, loss):
    prompt_id = ask()
    for _ in range(2):
        worker = hire(max_failures=2)  # whose budget it is
        clock.advance(60)
        queue.claim(worker.terms)
        worker.die() if loss == "is gone" else clock.advance(15)
        prompt = care(prompt_id)

    assert (prompt.status, prompt.outcome, prompt.failures) == (Status.COMPLETED, Outcome.FAILED, 2)
    assert prompt.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert prompt.error.message == f"Gave up after 2 failed attempts; the last: the worker that held it {loss}"


def test_a_prompt_taken_back_for_the_second_time_must_wait(queue, care, ask, hire, clock):
    prompt_id = ask()
    for _ in range(2):
        worker = hire()
        queue.claim(worker.terms)
        worker.die()
        care(prompt_id)
    terms = hire().terms

    before = queue.claim(terms)
    clock.advance(2)

    assert before is None
    assert queue.claim(terms).prompt.id == prompt_id


def test_failures_of_both_kinds_share_one_budget(queue, care, ask, hire):
    prompt_id = ask()
    worker = hire(max_failures=2)
    queue.finish(queue.claim(worker.terms), Failed(cause="reset"))
    queue.claim(worker.terms)
    worker.die()

    assert care(prompt_id).outcome is Outcome.FAILED


def test_recover_tells_what_it_did(queue, ask, hire, clock):
    lost, exhausted, slow = ask(), ask(), ask(timeout=4)
    for budget in (3, 1):
        worker = hire(max_failures=budget)
        queue.claim(worker.terms)
        worker.die()
    queue.claim(hire().terms)
    waiting = [ask(expires_in=5), ask(expires_in=5), ask(expires_in=50)]
    clock.advance(5)

    recovered = queue.recover()

    assert recovered == Recovered(requeued=1, failed=2, expired=2)
    ends = [queue.get(prompt_id).outcome for prompt_id in (lost, exhausted, slow, *waiting)]
    assert ends == [None, "failed", "failed", "expired", "expired", None]


def test_nothing_to_do_writes_nothing(queue, another, ask, begin):
    begin()
    ask(expires_in=10)

    with queue.transaction():  # to write, the other would have to wait for its turn
        assert another.recover() == Recovered()
        assert another.is_behind() is False


@pytest.mark.parametrize("loss", ["its worker is gone", "its lease is over", "it waited too long"])
def test_a_queue_is_behind_until_what_is_overdue_was_recovered(queue, ask, worker, clock, loss):
    ask(expires_in=10)
    if loss != "it waited too long":
        queue.claim(worker.terms)
    if loss == "its worker is gone":
        worker.die()
    else:
        clock.advance(worker.terms.lease_seconds)

    assert queue.is_behind() is True
    assert queue.recover().total == 1
    assert queue.is_behind() is False


# ---- settle alone ----------------------------------------------------------------------------------------------------


def test_a_prompt_that_is_not_overdue_is_returned_as_it_stands(queue, ask, terms, answered):
    queued, processing, completed = ask(), ask(), ask()
    claims = [queue.claim(terms) for _ in range(3)]
    queue.release(claims[0])
    queue.finish(claims[2], answered)

    for prompt_id in (queued, processing, completed):
        assert queue.settle(prompt_id) == queue.get(prompt_id)


def test_settling_one_leaves_the_others_alone(queue, ask, clock):
    one, other = ask(expires_in=1), ask(expires_in=1)
    clock.advance(1)

    queue.settle(one)

    assert [queue.get(one).status, queue.get(other).status] == ["completed", "queued"]


def test_an_unknown_prompt_cannot_be_settled(queue, unknown):
    with pytest.raises(PromptNotFound):
        queue.settle(unknown)
