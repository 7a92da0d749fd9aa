"""finish: how an attempt ends, and where its prompt goes."""

import pytest
from promptqueue.prompt import Answered, ErrorCode, Failed, Outcome, Status


def test_an_answer_completes_the_prompt(queue, begin, answered, clock):
    claim, started = begin(), clock.wall()
    clock.advance(4)

    prompt = queue.finish(claim, answered)

    assert (prompt.status, prompt.outcome, prompt.tokens) == (Status.COMPLETED, Outcome.SUCCEEDED, answered.tokens)
    assert (prompt.created_at, prompt.started_at, prompt.completed_at) == (started, started, started + 4)
    assert prompt.error is None
    assert queue.get(prompt.id) == prompt
    assert queue.answer(prompt.id) == answered.record


def test_the_answer_counts_its_own_tokens(queue, begin):
    claim = begin()
    queue.write(claim, "a", offset=0, tokens=5)

    assert queue.finish(claim, Answered(record={}, tokens=7)).tokens == 7


def test_a_failure_puts_the_prompt_back_in_its_old_place(queue, ask, terms):
    first, second = ask(), ask()

    prompt = queue.finish(queue.claim(terms), Failed(cause="reset"))

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
def test_a_failure_with_a_code_ends_the_prompt_whatever_its_budget(queue, begin, code):
    prompt = queue.finish(begin(), Failed(cause="in its words", code=code))

    assert (prompt.status, prompt.outcome, prompt.failures) == (Status.COMPLETED, Outcome.FAILED, 0)
    assert (prompt.error.code, prompt.error.message) == (code, "in its words")
    assert queue.get(prompt.id) == prompt
    assert queue.position(prompt.id) is None


def test_finish_and_the_next_claim_share_one_commit(queue, another, begin, ask, answered):
    claim, second = begin(), ask()
    first = claim.prompt.id

    with queue.transaction():
        queue.finish(claim, answered)
        following = queue.claim(claim.terms)
        seen_meanwhile = [another.get(first).status, another.get(second).status]

    assert following.prompt.id == second
    assert seen_meanwhile == ["processing", "queued"]
    assert [another.get(first).status, another.get(second).status] == ["completed", "processing"]


def test_a_cause_may_hold_any_character(queue, begin):
    prompt = queue.finish(begin(), Failed(cause="a\ud800b\0c", code=ErrorCode.MODEL_REFUSED))

    assert queue.get(prompt.id).error.message == "a\ufffdb\0c"
