"""record and deeds: what was done stays known."""

import pytest
from promptqueue.owners.deed import Deed

DAY = 24 * 3600.0


@pytest.fixture
def record(queue):
    return lambda what, **values: queue.record(Deed(who="command line", what=what, **values))


def test_the_last_deed_comes_first_and_says_when_and_to_what(queue, record, clock):
    record("key made", to="0a1b2c3d")
    clock.advance(5)
    record("paused")

    last, first = queue.deeds(limit=10)

    assert (first.who, first.what, first.to, first.at) == ("command line", "key made", "0a1b2c3d", clock.wall() - 5)
    assert (last.what, last.to, last.at) == ("paused", "", clock.wall())


def test_a_deed_can_have_been_done_before_it_is_noted(queue, record, clock):
    record("logins refused", at=clock.wall() - 60)

    assert [each.at for each in queue.deeds(limit=1)] == [clock.wall() - 60]


def test_deeds_are_read_piece_by_piece(queue, record):
    for number in range(5):
        record(str(number))

    first = queue.deeds(limit=2)
    second = queue.deeds(limit=2, before=first[-1].number)
    third = queue.deeds(limit=2, before=second[-1].number)

    assert [each.what for each in (*first, *second, *third)] == ["4", "3", "2", "1", "0"]
    assert queue.deeds(limit=2, before=third[-1].number) == []


def test_a_deed_is_known_for_a_year_and_then_pruned(queue, record, clock):
    record("paused")
    clock.advance(2 * DAY)
    record("resumed")

    clock.advance(364 * DAY)
    queue.prune(older_than=0)
    of_a_year = [each.what for each in queue.deeds(limit=5)]
    clock.advance(2 * DAY)
    queue.prune(older_than=0, agreed_for=DAY)
    in_doubt = [each.what for each in queue.deeds(limit=5)]
    queue.prune(older_than=0)

    assert (of_a_year, in_doubt) == (["resumed"], ["resumed"])
    assert queue.deeds(limit=5) == []


def test_a_deed_shares_the_commit_of_what_was_done(queue, record):
    def pause_and_fail():
        with queue.transaction():
            queue.pause(True)
            record("paused")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        pause_and_fail()

    assert (queue.counts().paused, queue.deeds(limit=1)) == (False, [])
