"""recover and settle: a prompt whose worker or lease is gone is taken back by whoever is alive."""

import pytest
from promptqueue.condition import Recovered
from promptqueue.prompt import ErrorCode, Failed, Outcome, Status


def test_a_prompt_whose_worker_is_gone_is_back_in_its_old_place(queue, care, ask, worker):
    first, second = ask(), ask()
    queue.claim(worker.terms)
    worker.die()

    prompt = care(first)

    assert (prompt.status, prompt.failures, prompt.attempt, prompt.started_at) == (Status.QUEUED, 1, 1, None)
    assert [queue.position(first), queue.position(second)] == [1, 2]


def test_a_prompt_whose_worker_lives_stays_with_it(queue, care, ask, worker):
    prompt_id = ask()
    claim = queue.claim(worker.terms)

    assert care(prompt_id) == claim.prompt


def test_only_the_prompts_of_the_dead_are_taken_back(queue, ask, hire):
    [of_the_dead, of_the_living] = [ask(), ask()]
    dead, living = hire(), hire()
    queue.claim(dead.terms)
    queue.claim(living.terms)
    dead.die()

    recovered = queue.recover()

    assert recovered == Recovered(requeued=1)
    assert [queue.get(of_the_dead).status, queue.get(of_the_living).status] == ["queued", "processing"]


def test_kill_9_of_a_worker_frees_its_prompt(care, ask, run):
    prompt_id = ask()
    program = """
import sys
from promptqueue.sqlite.host.clock import Clock
from promptqueue.storage import connect
from promptqueue.prompt import Terms

class SameBoot(Clock):
    boot = "this boot"
    def monotonic(self):
        return 1_000.0

storage = connect(sys.argv[1], journal_mode=sys.argv[2], clock=SameBoot())
queue = storage.open()
presence = storage.register(slots=1)
print(queue.claim(Terms(worker=presence.id)).prompt.id, flush=True)
sys.stdin.read()
"""
    working = run(program)
    assert working.read() == prompt_id
    while_alive = care(prompt_id)

    working.kill()

    assert while_alive.status is Status.PROCESSING
    assert care(prompt_id).status is Status.QUEUED


def test_a_lease_holds_until_just_before_its_end(queue, care, ask, hire, clock):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=15).terms)

    clock.advance(14.999)

    assert care(prompt_id).status is Status.PROCESSING


def test_a_lease_is_over_exactly_at_its_end(queue, care, ask, hire, clock):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=15).terms)

    clock.advance(15)

    prompt = care(prompt_id)
    assert (prompt.status, prompt.failures) == (Status.QUEUED, 1)


def test_the_lease_is_that_of_the_terms(queue, care, ask, hire, clock):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=100).terms)

    clock.advance(99)

    assert care(prompt_id).status is Status.PROCESSING


@pytest.mark.parametrize("step", [3_600, -3_600, 10**9, -(10**9)])
def test_the_wall_clock_ends_no_lease(queue, care, ask, hire, clock, step):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=15).terms)

    clock.step_wall(step)

    assert care(prompt_id).status is Status.PROCESSING


@pytest.mark.parametrize("step", [3_600, -3_600])
def test_the_wall_clock_prolongs_no_lease(queue, care, ask, hire, clock, step):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=15).terms)

    clock.step_wall(step)
    clock.advance(15)

    assert care(prompt_id).status is Status.QUEUED


@pytest.mark.parametrize("step", [3_600, -3_600])
def test_a_lease_is_as_long_after_the_wall_clock_was_set(queue, care, ask, hire, clock, step):
    prompt_id = ask()
    clock.step_wall(step)
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(10)
    clock.step_wall(step)
    queue.renew(claim)

    clock.advance(14.5)
    before = care(prompt_id).status
    clock.advance(0.5)

    assert (before, care(prompt_id).status) == (Status.PROCESSING, Status.QUEUED)


def test_a_lease_of_another_boot_is_over(queue, care, ask, worker, clock):
    prompt_id = ask()
    queue.claim(worker.terms)

    clock.reboot()  # the monotonic clock is far below the lease's end

    assert care(prompt_id).status is Status.QUEUED


@pytest.mark.parametrize("loss", ["worker", "lease", "boot"])
def test_every_loss_counts_and_the_last_of_the_budget_is_the_end(queue, care, ask, hire, clock, loss):
    prompt_id = ask()
    causes = {
        "worker": "the worker that held it is gone",
        "lease": "the worker that held it stopped renewing its lease",
        "boot": "the worker that held it is gone",
    }
    for _ in range(2):
        worker = hire(max_failures=2)
        clock.advance(60)
        queue.claim(worker.terms)
        {"worker": worker.die, "lease": lambda: clock.advance(15), "boot": clock.reboot}[loss]()
        prompt = care(prompt_id)

    assert (prompt.status, prompt.outcome, prompt.failures) == (Status.COMPLETED, Outcome.FAILED, 2)
    assert prompt.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert prompt.error.message == f"Gave up after 2 failed attempts; the last: {causes[loss]}"


def test_the_budget_is_that_of_the_terms_it_was_claimed_on(queue, care, ask, hire):
    prompt_id = ask()
    worker = hire(max_failures=1)
    queue.claim(worker.terms)
    worker.die()

    assert care(prompt_id).outcome is Outcome.FAILED


def test_a_prompt_taken_back_for_the_second_time_must_wait(queue, care, ask, hire, clock):
    prompt_id = ask()
    for _ in range(2):
        worker = hire(max_failures=9)
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
    dying = [hire(max_failures=3), hire(max_failures=1)]
    for worker in dying:
        queue.claim(worker.terms)
        worker.die()
    queue.claim(hire().terms)
    waiting = [ask(expires_in=5), ask(expires_in=5), ask(expires_in=50)]
    clock.advance(5)

    recovered = queue.recover()

    assert recovered == Recovered(requeued=1, failed=2, expired=2)
    assert recovered.total == 5
    ends = [queue.get(prompt_id).outcome for prompt_id in (lost, exhausted, slow, *waiting)]
    assert ends == [None, "failed", "failed", "expired", "expired", None]


def test_nothing_to_do_writes_nothing(queue, another, ask, terms):
    ask()
    ask(expires_in=10)
    queue.claim(terms)

    with queue.transaction():  # to write, the other would have to wait for its turn
        assert another.recover() == Recovered()


def test_a_prompt_deleted_at_the_same_moment_does_not_keep_recover_from_the_others(queue, another, ask, worker):
    deleted, lost = ask(), ask()
    for _ in range(2):
        queue.claim(worker.terms)
    worker.die()
    look = queue._expired

    def look_while_another_deletes(limit):
        another.delete(deleted)
        return look(limit)

    queue._expired = look_while_another_deletes

    assert queue.recover() == Recovered(requeued=1)
    assert queue.get(lost).status is Status.QUEUED


def test_a_prompt_finished_at_the_same_moment_keeps_its_answer(queue, another, ask, worker, answered):
    prompt_id = ask()
    claim = queue.claim(worker.terms)
    worker.die()
    look = queue._expired

    def look_while_another_finishes(limit):
        another.finish(claim, answered)
        return look(limit)

    queue._expired = look_while_another_finishes

    assert queue.recover() == Recovered()
    assert queue.get(prompt_id).outcome is Outcome.SUCCEEDED


def test_a_prompt_with_thousands_of_failures_left_goes_on(queue, ask, hire):
    prompt_id = ask()
    worker = hire(max_failures=5_000)
    queue._database.run("UPDATE prompts SET failures = 4000")

    prompt = queue.finish(queue.claim(worker.terms), Failed(cause="reset"))

    assert (prompt.id, prompt.status, prompt.failures) == (prompt_id, Status.QUEUED, 4_001)
