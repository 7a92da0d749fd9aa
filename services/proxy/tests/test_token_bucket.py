"""A token bucket: so much for each second that passes."""

import pytest
from proxy import token_bucket


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: `clock[0] += 1`."""
    now = [100.0]
    monkeypatch.setattr(token_bucket.time, "monotonic", lambda: now[0])
    return now


def test_so_much_may_be_spent_at_once_and_then_what_time_brings(clock):
    one = token_bucket.TokenBucket(a_second=0.25, saved=0.01)
    spent = [one.is_spent]
    one.spend(0.02)
    spent.append(one.is_spent)

    assert spent == [False, True]
    assert one.seconds_until_more == pytest.approx(0.04)
    clock[0] += 0.041
    assert not one.is_spent


def test_no_more_is_saved_than_may_be(clock):
    one = token_bucket.TokenBucket(a_second=0.5, saved=0.01)
    clock[0] += 100

    one.spend(0.01)

    assert one.is_spent
