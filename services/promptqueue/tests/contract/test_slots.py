"""take_slot, give_slot_back, slots: a model server has so many, however many workers name it."""

from promptqueue.condition import Workers

A, B = "http://a:11434", "http://b:11434"


def test_slots_are_taken_from_the_first_on_until_none_is_free(hire):
    one, other = hire().presence, hire().presence

    taken = [one.take_slot(A, below=3), other.take_slot(A, below=3), one.take_slot(A, below=3)]

    assert taken == [0, 1, 2]
    assert (one.take_slot(A, below=3), other.take_slot(A, below=3)) == (None, None)
    assert (one.slots(), other.slots()) == ({(A, 0), (A, 2)}, {(A, 1)})


def test_each_server_has_slots_of_its_own(worker):
    presence = worker.presence

    assert [presence.take_slot(server, below=1) for server in (A, B)] == [0, 0]
    assert presence.slots() == {(A, 0), (B, 0)}


def test_of_workers_that_name_different_numbers_each_keeps_below_its_own(hire):
    modest, greedy = hire().presence, hire().presence

    assert [greedy.take_slot(A, below=3) for _ in range(2)] == [0, 1]
    assert modest.take_slot(A, below=2) is None
    assert greedy.take_slot(A, below=3) == 2


def test_a_slot_that_is_given_back_is_free_for_anybody(hire):
    one, other = hire().presence, hire().presence
    one.take_slot(A, below=2)
    one.take_slot(A, below=2)

    one.give_slot_back(A, 0)

    assert one.slots() == {(A, 1)}
    assert other.take_slot(A, below=2) == 0


def test_the_slots_of_a_worker_that_is_gone_are_free(hire):
    gone, stands_by = hire(), hire().presence
    gone.presence.take_slot(A, below=1)
    before = stands_by.take_slot(A, below=1)

    gone.die()

    assert (before, stands_by.take_slot(A, below=1)) == (None, 0)


def test_whoever_stays_keeps_what_it_has_taken(hire):
    presence, other = hire().presence, hire().presence
    presence.take_slot(A, below=1)

    presence.stay()

    assert presence.slots() == {(A, 0)}
    assert other.take_slot(A, below=1) is None


def test_the_slots_that_a_worker_takes_are_counted_beside_those_that_it_registered_with(queue, hire):
    one, other = hire(slots=0).presence, hire(slots=2).presence
    before = queue.workers()

    for presence, server in [(one, A), (one, B), (other, B)]:
        presence.take_slot(server, below=2)
    taken = queue.workers()
    one.give_slot_back(A, 0)

    assert [each.slots for each in (before, taken)] == [2, 5]
    assert queue.workers() == Workers(count=2, slots=4)
