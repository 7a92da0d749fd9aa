"""What an owner may have of one process: requests a second, and what is held."""

from contextlib import suppress

import pytest
from promptqueue.errors import QuotaExceeded
from promptqueue.owners.owner import EVERYBODY, PAGES, Limits, Owner
from proxy import token_bucket
from proxy.access.limits import OF_A_KEY, limits_of
from proxy.access.quotas import Quotas
from proxy.config import Config

ANNA, BEN = Owner(number=2, name="anna"), Owner(number=3, name="ben")
CONFIG = Config(max_queue_depth=1_000, max_stored_bytes=4_000, max_streams=40)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: `clock[0] += 1`."""
    now = [100.0]
    monkeypatch.setattr(token_bucket.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def quotas(clock):
    return Quotas(CONFIG)


def admitted(quotas, owner, requests):
    """How many of so many requests are let in."""
    count = 0
    for _ in range(requests):
        with suppress(QuotaExceeded):
            quotas.ask(owner)
            count += 1
    return count


def test_a_hundred_requests_may_come_at_once_and_twenty_a_second_after_them(quotas, clock):
    at_once = admitted(quotas, ANNA, 150)
    clock[0] += 1
    after_a_second = admitted(quotas, ANNA, 150)
    clock[0] += 3_600

    assert (at_once, after_a_second, admitted(quotas, ANNA, 150)) == (100, 20, 100)


def test_who_is_refused_hears_of_what_and_when_it_is_over(quotas):
    admitted(quotas, ANNA, 100)

    with pytest.raises(QuotaExceeded, match="20 a second") as refused:
        quotas.ask(ANNA)

    assert (refused.value.limit, refused.value.retry_after) == ("requests_a_second", 1)


def test_one_who_is_refused_costs_no_other_anything(quotas):
    assert (admitted(quotas, ANNA, 150), admitted(quotas, BEN, 150)) == (100, 100)


def test_a_limit_that_is_changed_holds_from_then_on(quotas):
    admitted(quotas, ANNA, 150)
    slower = Owner(number=2, name="anna", limits=Limits(requests_a_second=0.5))

    assert admitted(quotas, slower, 150) == 3  # of five seconds, and at least one


def test_who_needs_no_key_may_ask_as_often_as_the_machine_can_bear(quotas):
    for number in (EVERYBODY, PAGES):
        assert admitted(quotas, Owner(number=number, name="any"), 1_000) == 1_000


def test_so_many_streams_may_be_held_and_one_that_ends_makes_room(quotas):
    owner = Owner(number=2, name="anna", limits=Limits(streams=2))
    quotas.hold(owner)
    quotas.hold(owner)

    with pytest.raises(QuotaExceeded) as refused:
        quotas.hold(owner)
    quotas.hold(BEN)

    assert (refused.value.limit, refused.value.retry_after, quotas.streams(owner)) == ("streams", 5, 2)
    quotas.let_go(owner)
    quotas.hold(owner)


def test_whoever_has_a_key_has_limits_unless_somebody_said_otherwise():
    said = Owner(number=2, name="anna", limits=Limits(waiting=7, tokens_a_day=0))

    assert limits_of(ANNA, CONFIG) == OF_A_KEY
    assert limits_of(said, CONFIG) == Limits(
        waiting=7, tokens_a_day=0, stored_bytes=268_435_456, streams=100, requests_a_second=20
    )


def test_pages_of_others_have_a_quarter_and_everybody_all():
    pages = limits_of(Owner(number=PAGES, name="pages"), CONFIG)

    assert pages == Limits(waiting=250, stored_bytes=1_000, streams=10)
    assert limits_of(Owner(number=EVERYBODY, name="everybody"), CONFIG) == Limits()
