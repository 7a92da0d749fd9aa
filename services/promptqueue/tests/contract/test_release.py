"""release: given back to its old place, at no cost."""

from promptqueue.prompt import Failed, Status


def test_a_released_prompt_is_back_in_its_old_place_and_can_be_claimed_at_once(queue, ask, terms):
    first, second = ask(), ask()

    queue.release(queue.claim(terms))

    prompt = queue.get(first)
    assert (prompt.status, prompt.started_at, prompt.tokens) == (Status.QUEUED, None, None)
    assert [queue.position(first), queue.position(second)] == [1, 2]
    assert queue.claim(terms).prompt.id == first


def test_releasing_costs_no_failure_however_often(queue, ask, hire):
    prompt_id = ask()
    terms = hire(max_failures=1).terms

    for _ in range(5):
        queue.release(queue.claim(terms))

    prompt = queue.get(prompt_id)
    assert (prompt.status, prompt.failures, prompt.attempt) == (Status.QUEUED, 0, 5)


def test_releasing_forgives_no_earlier_failure_and_makes_nobody_wait_for_it(queue, ask, fail, terms, clock):
    prompt_id = ask()
    fail(2)
    clock.advance(60)

    queue.release(queue.claim(terms))

    assert queue.get(prompt_id).failures == 2
    assert queue.claim(terms).prompt.id == prompt_id


def test_giving_back_tells_why_until_there_is_another_reason(queue, begin, terms):
    claim = begin()

    queue.release(claim, reason="the model server is away")
    first = queue.get(claim.prompt.id)
    queue.release(queue.claim(terms))
    second = queue.get(claim.prompt.id)
    queue.finish(queue.claim(terms), Failed(cause="reset"))

    assert (first.status, first.last_error) == (Status.QUEUED, "the model server is away")
    assert second.last_error == "the model server is away"
    assert queue.get(claim.prompt.id).last_error == "reset"
