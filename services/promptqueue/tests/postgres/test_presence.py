"""Presence: a process is there while its session holds a lock, and again after the server was away."""

from contextlib import closing

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt, Terms
from promptqueue.storage import connect

REGISTER = """
import sys, time
from promptqueue.storage import connect

presence = connect(sys.argv[1]).register(slots=1)
print(presence.id, presence.take_slot("http://a:11434", below=2), flush=True)
time.sleep(600)
"""

A = "http://a:11434"


def comes_back(presence):
    try:
        presence.stay()
    except StorageUnavailable:
        return False
    return True


@pytest.fixture
def is_alive(ask_server):
    return lambda presence_id: ask_server("SELECT is_alive(%s)", presence_id)[0][0]


def test_it_is_alive_from_its_entry_to_its_leaving(storage, is_alive):
    presence = storage.register(slots=1)
    before = is_alive(presence.id)

    presence.leave()

    assert (before, is_alive(presence.id)) == (True, False)


def test_a_killed_process_is_gone_and_its_slots_are_free_at_once(storage, url, child, is_alive, eventually):
    process = child(REGISTER, url)
    its_id, its_slot = process.read().split()
    with storage.register(slots=1) as presence:
        before = presence.take_slot(A, below=1)

        process.kill()
        eventually(lambda: not is_alive(its_id))

        assert (its_slot, before, presence.take_slot(A, below=1)) == ("0", None, 0)


def test_two_who_ask_at_one_moment_do_not_take_each_other_for_the_process(storage, ask_server, is_alive):
    presence = storage.register(slots=1)
    presence.leave()

    ask_server("SELECT pg_advisory_lock_shared(1886483813, number) FROM presences")

    assert not is_alive(presence.id)


def test_a_session_that_was_cut_is_made_again_under_the_old_name(storage, ask_server, is_alive):
    with storage.register(slots=2) as presence:
        presence.take_slot(A, below=2)
        ask_server(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886483813"
        )

        presence.stay()

        assert is_alive(presence.id)
        assert presence.slots() == {(A, 0)}


def test_a_slot_that_another_took_meanwhile_is_not_held_any_more(storage, open_storage, ask_server, eventually):
    with storage.register(slots=1) as presence, open_storage().register(slots=1) as other:
        presence.take_slot(A, below=1)
        ask_server(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886483814"
        )
        eventually(lambda: other.take_slot(A, below=1) == 0)

        presence.stay()

        assert (presence.slots(), other.slots()) == (set(), {(A, 0)})


def test_it_comes_back_after_the_server_was_killed_and_started(own_server, eventually):
    storage = connect(own_server.url("own"))
    presence = storage.register(slots=1)
    presence.take_slot(A, below=1)

    own_server.kill()
    assert not comes_back(presence)
    own_server.start()
    eventually(lambda: comes_back(presence))

    assert storage.open()._database.run("SELECT is_alive(%(id)s) AS alive", id=presence.id)[0]["alive"]
    assert presence.slots() == {(A, 0)}
    storage.close()


def test_after_a_restart_nobody_takes_the_slot_of_a_worker_that_has_a_prompt_in_hand(own_server, eventually):
    with closing(connect(own_server.url("own"))) as storage, closing(connect(own_server.url("own"))) as another:
        queue, holder, stands_by = storage.open(), storage.register(slots=0), another.register(slots=0)
        holder.take_slot(A, below=2)
        queue.enqueue(NewPrompt(request={"prompt": "Why?"}))
        queue.claim(Terms(worker=holder.id, server=A))
        own_server.kill()
        own_server.start()
        eventually(lambda: comes_back(stands_by))

        meanwhile = stands_by.take_slot(A, below=2)
        eventually(lambda: comes_back(holder))

        assert (meanwhile, holder.slots()) == (None, {(A, 0)})
        assert [stands_by.take_slot(A, below=2) for _ in range(2)] == [1, None]


def test_whoever_stands_by_uses_no_numbers_of_servers_up(storage, ask_server):
    with storage.register(slots=0) as holder, storage.register(slots=0) as stands_by:
        holder.take_slot(A, below=1)
        for _ in range(5):
            assert stands_by.take_slot(A, below=1) is None
        holder.take_slot("http://b:11434", below=1)

    assert ask_server("SELECT number FROM servers ORDER BY number") == [(1,), (2,)]
