import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Failed, Status


def test_a_released_prompt_is_back_in_its_old_place(queue, ask, terms):
    first, second = ask(), ask()

    queue.release(queue.claim(terms))

    prompt = queue.get(first)
    assert (prompt.status, prompt.started_at, prompt.tokens) == (Status.QUEUED, None, None)
    assert [queue.position(first), queue.position(second)] == [1, 2]


def test_releasing_costs_no_failure_however_often(queue, ask, hire):
    prompt_id = ask()
    terms = hire(max_failures=1).terms

    for _ in range(5):
        queue.release(queue.claim(terms))

    prompt = queue.get(prompt_id)
    assert (prompt.status, prompt.failures, prompt.attempt) == (Status.QUEUED, 0, 5)


def test_releasing_forgives_no_earlier_failure(queue, ask, terms):
    prompt_id = ask()
    queue.finish(queue.claim(terms), Failed(cause="reset"))

    queue.release(queue.claim(terms))

    assert queue.get(prompt_id).failures == 1


def test_a_released_prompt_can_be_claimed_at_once(queue, ask, hire, clock):
    ask()
    terms = hire(max_failures=9).terms
    for _ in range(3):
        queue.finish(queue.claim(terms), Failed(cause="reset"))
        clock.advance(60)

    queue.release(queue.claim(terms))

    assert queue.claim(terms) is not None


def test_a_released_prompt_keeps_the_text_that_had_come(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "Ray", offset=0, tokens=1)

    queue.release(claim)

    assert queue.partial(prompt_id) == "Ray"


def test_a_claim_is_consumed_by_release(queue, ask, terms):
    ask()
    claim = queue.claim(terms)
    queue.release(claim)

    with pytest.raises(ClaimLost):
        queue.release(claim)


def test_a_stale_claim_cannot_release_a_newer_attempt(queue, another, ask, terms):
    prompt_id = ask()
    stale = queue.claim(terms)
    queue.release(stale)
    another.claim(terms)

    with pytest.raises(ClaimLost):
        queue.release(stale)

    assert queue.get(prompt_id).status is Status.PROCESSING


def test_a_finished_prompt_cannot_be_released(queue, ask, terms, answered):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.finish(claim, answered)

    with pytest.raises(ClaimLost):
        queue.release(claim)

    assert queue.get(prompt_id).status is Status.COMPLETED


def test_a_released_prompt_may_expire(queue, ask, terms, clock):
    prompt_id = ask(expires_in=10)
    claim = queue.claim(terms)
    clock.advance(10)

    queue.release(claim)
    queue.recover()

    assert queue.get(prompt_id).outcome == "expired"
