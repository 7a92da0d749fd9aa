"""register and workers: a worker is alive until it leaves."""

from promptqueue.condition import Workers


def test_no_worker_is_none(queue):
    assert queue.workers() == Workers(count=0, slots=0)


def test_workers_and_their_slots_are_counted_until_they_leave(queue, storage):
    with storage.register(slots=1), storage.register(slots=4):
        with storage.register(slots=2):
            all_three = queue.workers()
        two = queue.workers()

    assert (all_three, two) == (Workers(count=3, slots=7), Workers(count=2, slots=5))
    assert queue.workers() == Workers(count=0, slots=0)


def test_every_worker_has_an_id_of_its_own(storage):
    with storage.register(slots=1) as one, storage.register(slots=1) as other:
        assert one.id != other.id


def test_whoever_stays_is_there_once_and_under_the_same_id(queue, storage):
    with storage.register(slots=3) as presence:
        before = presence.id
        presence.stay()

        assert (presence.id, queue.workers()) == (before, Workers(count=1, slots=3))


def test_counting_waits_for_no_turn(queue, another, worker):
    with queue.transaction():
        assert another.workers().count == 1
