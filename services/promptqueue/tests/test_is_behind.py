"""is_behind: whether there is anything that recover would move."""

import pytest


def test_a_queue_in_order_is_not_behind(queue, ask, worker):
    ask(expires_in=10)
    ask()
    queue.claim(worker.terms)

    assert queue.is_behind() is False


@pytest.mark.parametrize("loss", ["its worker is gone", "its lease is over", "it waited too long"])
def test_a_queue_is_behind_until_what_is_overdue_was_recovered(queue, ask, worker, clock, loss):
    ask(expires_in=10)
    if loss != "it waited too long":
        queue.claim(worker.terms)
    if loss == "its worker is gone":
        worker.die()
    else:
        clock.advance(worker.terms.lease_seconds)

    assert queue.is_behind() is True
    assert queue.recover().total == 1
    assert queue.is_behind() is False


def test_looking_changes_nothing(queue, ask, clock, open_queue):
    ask(expires_in=10)
    clock.advance(10)
    onlooker = open_queue()
    version = onlooker._database.run("PRAGMA data_version")[0][0]

    queue.is_behind()

    assert onlooker._database.run("PRAGMA data_version")[0][0] == version
