"""settle: what recover does for all, for one prompt."""

import pytest
from promptqueue.errors import PromptNotFound


def test_whatever_overdue_says_is_settled(queue, care, ask, hire, clock):
    ids = [ask(expires_in=10), ask(timeout=5), ask()]
    claims = [queue.claim(hire().terms) for _ in ids]
    queue.release(claims[0])
    clock.advance(6)
    queue.renew(claims[1])
    queue.renew(claims[2])
    clock.advance(15)
    overdue = [queue.get(prompt_id).overdue for prompt_id in ids]

    for prompt_id in ids:
        care(prompt_id)

    assert overdue == [True, True, True]
    assert [queue.get(prompt_id).overdue for prompt_id in ids] == [False, False, False]


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


def test_an_unknown_prompt_cannot_be_settled(queue):
    with pytest.raises(PromptNotFound):
        queue.settle("7d444840-9dc0-11d1-b245-5ffdce74fad2")
