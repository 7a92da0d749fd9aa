"""Three bad ends in a row put the server in trouble: then one prompt at a time is tried, ever more seldom."""

from __future__ import annotations

import pytest
from worker.server.breaker import ENOUGH, Breaker


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def trouble(breaker):
    for _ in range(ENOUGH):
        breaker.failed("somebody")


def test_fewer_than_three_bad_ends_in_a_row_are_no_trouble(breaker):
    for _ in range(5):
        breaker.failed("a")
        breaker.failed("b")
        breaker.succeeded()

    assert (breaker.is_open, breaker.may_claim("a"), breaker.may_claim("b")) == (False, True, True)


def test_in_trouble_one_prompt_at_a_time_is_tried_after_a_pause(breaker, clock):
    trouble(breaker)

    assert (breaker.is_open, breaker.may_claim("a")) == (True, False)
    clock.now = breaker.retry_at
    assert (breaker.may_claim("a"), breaker.may_claim("b")) == (True, False)
    breaker.done("a")
    assert breaker.may_claim("b")


def test_the_pauses_double_up_to_half_a_minute(breaker, clock):
    trouble(breaker)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.retry_at - clock.now)
        clock.now = breaker.retry_at
        assert breaker.may_claim("a")
        breaker.failed("a")
        breaker.done("a")

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_prompts_that_were_in_hand_before_do_not_make_the_pause_longer(breaker, clock):
    trouble(breaker)
    retry_at = breaker.retry_at
    clock.now += 0.5

    assert not breaker.failed("another slot")
    assert breaker.retry_at == retry_at


def test_whoever_knows_the_pause_says_it(breaker, clock):
    for _ in range(ENOUGH):
        breaker.failed("a", pause=5.0)

    assert breaker.retry_at == clock.now + 5


def test_one_answer_ends_the_trouble(breaker, clock):
    trouble(breaker)
    clock.now = breaker.retry_at
    breaker.may_claim("a")

    assert breaker.succeeded()
    breaker.done("a")

    assert (breaker.may_claim("a"), breaker.may_claim("b")) == (True, True)
    trouble(breaker)
    assert breaker.retry_at == clock.now + 1


def test_a_server_that_may_not_serve_is_tried_with_one_prompt_at_once(breaker):
    breaker.suspects()

    assert (breaker.may_claim("a"), breaker.may_claim("b")) == (True, False)
