import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Answered, ErrorCode, Failed, Outcome, Status


def test_an_answer_completes_the_prompt(queue, ask, terms, answered, clock):
    prompt_id = ask()
    claim = queue.claim(terms)
    clock.advance(4)

    prompt = queue.finish(claim, answered)

    assert (prompt.status, prompt.outcome, prompt.tokens) == (Status.COMPLETED, Outcome.SUCCEEDED, answered.tokens)
    assert prompt.completed_at == clock.wall()
    assert queue.get(prompt_id) == prompt
    assert queue.answer(prompt_id) == answered.record


def test_a_failure_puts_the_prompt_back_in_its_old_place(queue, ask, hire):
    first, second = ask(), ask()

    prompt = queue.finish(queue.claim(hire(max_failures=3).terms), Failed(cause="reset"))

    assert (prompt.id, prompt.status, prompt.outcome) == (first, Status.QUEUED, None)
    assert (prompt.attempt, prompt.failures) == (1, 1)
    assert (prompt.started_at, prompt.tokens, prompt.error) == (None, None, None)
    assert [queue.position(first), queue.position(second)] == [1, 2]


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_the_last_failure_of_the_budget_is_the_last_attempt(queue, ask, hire, clock, budget):
    prompt_id = ask()
    terms = hire(max_failures=budget).terms
    statuses = []

    for n in range(budget):
        statuses.append(queue.finish(queue.claim(terms), Failed(cause=f"reset {n + 1}")).status)
        clock.advance(60)

    assert statuses == [Status.QUEUED] * (budget - 1) + [Status.COMPLETED]
    prompt = queue.get(prompt_id)
    assert (prompt.outcome, prompt.failures, prompt.attempt) == (Outcome.FAILED, budget, budget)
    assert prompt.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert prompt.error.message == f"Gave up after {budget} failed attempts; the last: reset {budget}"
    assert queue.claim(terms) is None


def test_the_first_retry_is_at_once_and_later_ones_wait_longer_and_longer(queue, ask, hire, clock):
    ask()
    terms = hire(max_failures=99).terms
    waits = []

    for _ in range(9):
        queue.finish(queue.claim(terms), Failed(cause="reset"))
        waited = 0
        while not (claim := queue.claim(terms)):
            clock.advance(1)
            waited += 1
        queue.release(claim)
        waits.append(waited)

    assert waits == [0, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("code", [ErrorCode.MODEL_REFUSED, ErrorCode.PROMPT_TOO_LONG, ErrorCode.TIMED_OUT])
def test_a_failure_with_a_code_ends_the_prompt_whatever_its_budget(queue, ask, hire, code):
    prompt_id = ask()

    prompt = queue.finish(queue.claim(hire(max_failures=9).terms), Failed(cause="in its words", code=code))

    assert (prompt.status, prompt.outcome, prompt.failures) == (Status.COMPLETED, Outcome.FAILED, 0)
    assert (prompt.error.code, prompt.error.message) == (code, "in its words")
    assert queue.position(prompt_id) is None


def test_a_stale_claim_cannot_overwrite_a_newer_answer(queue, another, ask, hire, clock):
    prompt_id = ask()
    stale = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    another.recover()
    newer = another.finish(another.claim(hire().terms), Answered(record={"response": "newer"}, tokens=1))

    for ending in (Answered(record={"response": "stale"}, tokens=2), Failed(cause="stale")):
        with pytest.raises(ClaimLost):
            queue.finish(stale, ending)

    assert queue.get(prompt_id) == newer
    assert queue.answer(prompt_id) == {"response": "newer"}


def test_a_stale_claim_cannot_end_a_newer_attempt(queue, another, ask, hire, clock):
    prompt_id = ask()
    stale = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    another.recover()
    newer = another.claim(hire().terms)

    for ending in (Answered(record={"response": "stale"}, tokens=2), Failed(cause="stale")):
        with pytest.raises(ClaimLost):
            queue.finish(stale, ending)

    assert queue.get(prompt_id) == newer.prompt
    assert queue.answer(prompt_id) is None


def test_a_stale_claim_cannot_end_a_prompt_that_waits_again(queue, ask, hire, clock):
    prompt_id = ask()
    stale = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    queue.recover()
    waiting = queue.get(prompt_id)

    with pytest.raises(ClaimLost):
        queue.finish(stale, Answered(record={}, tokens=2))

    assert queue.get(prompt_id) == waiting
    assert queue.position(prompt_id) == 1


def test_a_claim_is_consumed_by_finish(queue, ask, terms, answered):
    ask()
    claim = queue.claim(terms)
    finished = queue.finish(claim, answered)

    with pytest.raises(ClaimLost):
        queue.finish(claim, Answered(record={"response": "again"}, tokens=1))

    assert queue.get(finished.id) == finished
    assert queue.answer(finished.id) == answered.record


def test_a_late_answer_that_nobody_gave_up_on_counts(queue, ask, hire, clock, answered):
    prompt_id = ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(100)

    queue.finish(claim, answered)

    assert queue.get(prompt_id).outcome is Outcome.SUCCEEDED


def test_finish_and_the_next_claim_share_one_commit(queue, another, ask, terms, answered):
    first, second = ask(), ask()
    claim = queue.claim(terms)

    with queue.transaction():
        queue.finish(claim, answered)
        following = queue.claim(terms)
        seen_meanwhile = [another.get(first).status, another.get(second).status]

    assert following.prompt.id == second
    assert seen_meanwhile == ["processing", "queued"]
    assert [another.get(first).status, another.get(second).status] == ["completed", "processing"]


def test_a_lost_claim_does_not_keep_its_worker_from_the_next_one(queue, another, ask, terms, answered):
    first, second = ask(), ask()
    claim = queue.claim(terms)
    another.cancel(first)

    with queue.transaction():
        with pytest.raises(ClaimLost):
            queue.finish(claim, answered)
        following = queue.claim(terms)

    assert following.prompt.id == second
    assert another.get(second).status is Status.PROCESSING
    assert another.get(first).outcome is Outcome.CANCELLED


def test_a_cause_may_hold_any_character(queue, ask, terms):
    prompt_id = ask()

    queue.finish(queue.claim(terms), Failed(cause="a\ud800b\0c", code=ErrorCode.MODEL_REFUSED))

    assert queue.get(prompt_id).error.message == "a\ufffdb\0c"


def test_commits_wait_for_the_disk(queue, ask, terms, answered, synchronous):
    ask()
    claim, seen = queue.claim(terms), []
    queue._clock.monotonic = lambda: seen.append(synchronous()) or 1_000.0

    queue.finish(claim, answered)

    assert set(seen) == {2}


def test_a_finished_prompt_survives_kill_9_of_its_worker(queue, ask, run):
    prompt_id = ask()
    program = """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import Answered, Terms

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
claim = queue.claim(Terms(worker=storage.register(slots=1).id))
queue.write(claim, "half", offset=0, tokens=1)
queue.finish(claim, Answered(record={"response": "whole"}, tokens=2))
print("finished", flush=True)
sys.stdin.read()
"""
    working = run(program)
    assert working.read() == "finished"

    working.kill()

    assert queue.answer(prompt_id) == {"response": "whole"}
    assert queue.recover().total == 0
