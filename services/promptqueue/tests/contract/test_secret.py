"""secret: one for all that share the queue, for as long as there is a queue."""

import pytest


def test_whoever_shares_the_queue_has_its_secret_whoever_asks_first(queue, another, storage):
    first = another.secret()

    assert queue.secret() == another.secret() == storage.open().secret() == first
    assert len(first) == 32


def test_a_secret_that_was_made_in_what_did_not_come_about_is_none(queue, another):
    def fail_to_use_it():
        with queue.transaction():
            queue.secret()
            raise LookupError

    with pytest.raises(LookupError):
        fail_to_use_it()

    assert another.secret() == queue.secret()
