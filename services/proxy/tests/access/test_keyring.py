"""The keys as one process knows them, also while the queue cannot be read."""

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.key import Role, new_key
from proxy.access.keyring import Keyring


class Reads:
    """Reads the queue, unless that is out of reach."""

    def __init__(self, queue):
        self._queue = queue
        self.is_away = False

    def read(self, look, *, is_brief=False):
        if self.is_away:
            raise StorageUnavailable
        return look(self._queue)


def test_while_the_queue_cannot_be_read_a_known_key_holds_and_nobody_is_told_that_another_does_not(queue):
    known, made_just_now = new_key(), new_key()
    queue.add_key(known, owner="anna", role=Role.USER)
    reads = Reads(queue)
    keyring = Keyring(reads)
    assert keyring.find(known.secret)

    queue.add_key(made_just_now, owner="anna", role=Role.USER)
    reads.is_away = True

    assert keyring.find(known.secret).owner.name == "anna"
    with pytest.raises(StorageUnavailable):
        keyring.find(made_just_now.secret)
    reads.is_away = False
    assert keyring.find(made_just_now.secret).owner.name == "anna"
    assert keyring.find(new_key().secret) is None
