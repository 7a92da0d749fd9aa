"""finish with an end that nobody can explain, and what is told of it."""

import pytest
from promptqueue.prompt import Answered, Failed, PutBack, Trouble

UNEXPLAINED = PutBack(cause="the connection broke off", counts=False)


@pytest.fixture
def end(queue, ask, terms, clock):
    """End one attempt after the other of the same prompt, each as soon as it may begin."""
    prompt_id = ask()

    def end_one(ending):
        clock.advance(60)
        queue.finish(queue.claim(terms), ending)
        return queue.get(prompt_id)

    return end_one


def test_what_nobody_can_explain_costs_nothing_until_it_counts(end):
    assert [end(UNEXPLAINED).failures for _ in range(5)] == [0] * 5
    assert [end(PutBack(cause="so", counts=True)).failures for _ in range(3)] == [1, 2, 3]


def test_it_is_tried_again_at_once_and_then_later_and_later(queue, begin, terms, clock):
    queue.finish(begin(), UNEXPLAINED)
    queue.finish(queue.claim(terms), UNEXPLAINED)
    assert queue.claim(terms) is None

    clock.advance(2)
    queue.finish(queue.claim(terms), UNEXPLAINED)
    clock.advance(3.9)
    assert queue.claim(terms) is None


def test_times_of_the_first_and_the_last_bad_end_are_told_as_seconds_ago(queue, begin, terms, clock):
    queue.finish(begin(), UNEXPLAINED)
    clock.advance(100)
    queue.finish(queue.claim(terms), UNEXPLAINED)
    clock.advance(30)

    assert queue.claim(terms).trouble == Trouble(bad_ends=2, since=pytest.approx(130), last=pytest.approx(30))


def test_where_it_stands_tells_why_it_was_put_back_until_it_has_succeeded(end):
    assert end(UNEXPLAINED).last_error == "the connection broke off"
    assert end(Failed(cause="the worker is gone")).last_error == "the worker is gone"
    assert end(Answered(record={"response": "Ray"}, tokens=1)).last_error is None
