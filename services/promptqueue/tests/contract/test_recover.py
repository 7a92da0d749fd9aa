"""recover and settle: a prompt whose worker or lease is gone is taken back by whoever is alive."""

import pytest
from promptqueue.condition import Recovered
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Origin, Outcome, PromptError, Status


@pytest.fixture
def held(ask, attend):
    """A prompt whose call is held; its id, and whoever holds it."""

    def hold(holder=None, **values):
        holder = holder or attend()
        return ask(origin=Origin(face="openai.chat", echo={}, fingerprint="f1", holder=holder.id), **values), holder

    return hold


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


# ---- prompts whose client is gone ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_prompt_whose_holder_was_found_gone_a_minute_ago_is_cancelled(queue, care, held, hire, clock, status):
    prompt_id, holder = held()
    if status == "processing":
        queue.claim(hire(lease_seconds=100).terms)
    holder.leave()
    queue.recover()

    clock.advance(59.9)
    before = care(prompt_id)
    clock.advance(0.1)
    after = care(prompt_id)

    assert (before.status, after.status, after.outcome) == (status, Status.COMPLETED, Outcome.CANCELLED)
    assert after.error == PromptError(code=ErrorCode.CANCELLED, message="The prompt was cancelled: its client is gone.")
    assert after.failures == 0


def test_its_minute_begins_when_recover_finds_its_holder_gone(queue, care, held, clock):
    prompt_id, holder = held()
    holder.leave()
    clock.advance(1_000)
    queue.recover()

    assert care(prompt_id).status is Status.QUEUED


def test_a_prompt_whose_holder_lives_is_waited_for(queue, care, held, clock):
    prompt_id, _ = held()
    for _ in range(2):
        queue.recover()
        clock.advance(60)

    assert care(prompt_id).status is Status.QUEUED


def test_a_prompt_that_was_given_to_another_holder_in_time_is_waited_for(queue, care, held, attend, clock):
    prompt_id, holder = held()
    holder.leave()
    queue.recover()
    clock.advance(59)

    queue.reattach("openai.chat", "f1", holder=attend().id)
    clock.advance(59)
    queue.recover()
    clock.advance(60)

    assert care(prompt_id).status is Status.QUEUED


def test_whoever_comes_after_the_minute_is_not_given_what_was_cancelled(queue, held, attend, clock):
    _, holder = held()
    holder.leave()
    queue.recover()
    clock.advance(60)
    queue.recover()

    assert queue.reattach("openai.chat", "f1", holder=attend().id) is None


def test_the_wall_clock_neither_cancels_nor_keeps_a_prompt_whose_client_is_gone(queue, care, held, clock):
    prompt_id, holder = held()
    holder.leave()
    queue.recover()

    clock.step_wall(3_600)
    before = care(prompt_id).status
    clock.step_wall(-7_200)
    clock.advance(60)

    assert (before, care(prompt_id).outcome) == (Status.QUEUED, Outcome.CANCELLED)


def test_only_those_are_cancelled_that_the_gone_held_and_that_are_not_over(queue, held, ask, attend, clock):
    holder, other = attend(), attend()
    over, waiting, of_another = held(holder)[0], held(holder)[0], held(other)[0]
    expired = queue.cancel(over)
    unheld = ask()
    holder.leave()
    queue.recover()
    clock.advance(60)

    assert queue.is_behind() is True
    assert queue.recover() == Recovered(cancelled=1)
    assert queue.is_behind() is False
    assert queue.get(over) == expired
    statuses = [queue.get(prompt_id).status for prompt_id in (waiting, of_another, unheld)]
    assert statuses == ["completed", "queued", "queued"]


def test_to_find_a_holder_gone_is_written_once_and_moves_nothing(queue, another, held):
    _, holder = held()
    holder.leave()

    assert queue.is_behind() is False
    assert queue.recover() == Recovered()
    with queue.transaction():  # to write, the other would have to wait for its turn
        assert another.recover() == Recovered()


def test_what_was_known_of_a_holder_is_forgotten_once_nothing_that_it_held_is_open(queue, another, held):
    prompt_id, holder = held()
    holder.leave()
    queue.recover()
    queue.cancel(prompt_id)

    queue.recover()

    with queue.transaction():
        assert another.recover() == Recovered()


def test_a_prompt_that_ran_out_of_both_times_is_cancelled(queue, care, held, clock):
    prompt_id, holder = held(expires_in=60)
    holder.leave()
    queue.recover()
    clock.advance(60)

    assert care(prompt_id).outcome is Outcome.CANCELLED


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
