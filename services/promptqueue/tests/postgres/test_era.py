"""A server that was away: it costs nobody anything, though nobody could renew a lease and no lock has survived."""

import os
import signal
from contextlib import closing, contextmanager, suppress
from unittest.mock import patch

import psycopg
import pytest
from promptqueue.condition import Recovered
from promptqueue.errors import CommitUnknown, StorageUnavailable
from promptqueue.lifecycle import SIGN_GRACE
from promptqueue.postgres.server import database as database_module
from promptqueue.prompt import Answered, NewPrompt, Outcome, Status, Terms
from promptqueue.storage import connect
from support.waiting import until

LEASE = 15.0
ANSWERED = Answered(record={"response": "Rayleigh."}, tokens=3)


@pytest.fixture
def kept(own_server, clock):
    """A queue on a server of this test's own."""
    with closing(connect(own_server.url("own"), clock=clock)) as storage:
        yield storage


@pytest.fixture
def queue(kept):
    with closing(kept.open()) as queue:
        yield queue


@pytest.fixture
def restart(own_server, clock):
    """Kill the server, let so much time pass, and start it again."""

    def restart_after(seconds):
        own_server.kill()
        clock.advance(seconds)
        own_server.start()

    return restart_after


@pytest.fixture
def begin(queue, kept):
    """Have a worker claim a prompt; its claim and its presence."""

    def begin_one():
        queue.enqueue(NewPrompt(request={"prompt": "Why?"}))
        presence = kept.register(slots=1)
        return queue.claim(Terms(worker=presence.id, lease_seconds=LEASE)), presence

    return begin_one


def test_every_claim_holds_for_another_lease_and_no_prompt_is_charged(queue, begin, restart, clock):
    held = [begin() for _ in range(3)]
    restart(10 * LEASE)

    assert queue.recover() == Recovered()
    clock.advance(LEASE - 0.001)
    queue.renew(held[0][0])
    clock.advance(0.001)

    assert queue.recover().requeued == 2  # whose workers did not come back
    assert queue.finish(held[0][0], ANSWERED).failures == 0


def test_one_process_of_the_server_that_crashes_ends_all_sessions_and_costs_no_more(own_server, queue, begin, clock):
    claim, _ = begin()
    clock.advance(2 * SIGN_GRACE)
    victim, bystander = (psycopg.connect(own_server.url("own"), autocommit=True) for _ in range(2))
    os.kill(victim.info.backend_pid, signal.SIGKILL)
    until(lambda: not _goes_on(bystander), "all sessions have ended")
    until(lambda: _answers(own_server), "it has recovered")

    assert queue.recover() == Recovered()
    assert queue.finish(claim, ANSWERED).failures == 0


def test_whoever_looks_at_one_prompt_first_leaves_it_with_its_worker_too(queue, begin, restart):
    claim, _ = begin()
    restart(10 * LEASE)

    assert queue.get(claim.prompt.id).overdue
    assert queue.settle(claim.prompt.id).status is Status.PROCESSING
    assert not queue.get(claim.prompt.id).overdue


def test_nothing_is_behind_that_a_look_would_not_move(queue, begin, restart):
    begin()
    restart(10 * LEASE)

    assert not queue.is_behind()


def test_leases_are_prolonged_once(queue, begin, restart, clock):
    claim, presence = begin()
    restart(1)
    queue.recover()
    presence.stay()
    clock.advance(LEASE)

    assert queue.recover().requeued == 1
    assert queue.get(claim.prompt.id).failures == 1


def test_a_prompt_that_ran_out_of_time_meanwhile_can_still_be_answered(queue, kept, restart):
    queue.enqueue(NewPrompt(request={}, timeout=5.0))
    claim = queue.claim(Terms(worker=kept.register(slots=1).id, lease_seconds=LEASE))
    restart(20.0)
    queue.recover()

    assert queue.finish(claim, ANSWERED).outcome is Outcome.SUCCEEDED


def test_a_worker_that_came_back_to_the_server_is_alive_to_it(queue, begin, restart, clock):
    claim, presence = begin()
    restart(1)
    queue.recover()
    presence.stay()
    clock.advance(SIGN_GRACE)

    assert queue.workers().count == 1
    assert queue.recover() == Recovered()
    presence.leave()
    assert queue.recover().requeued == 1
    assert queue.get(claim.prompt.id).failures == 1


@pytest.mark.parametrize("is_shared", [False, True], ids=["a commit of its own", "one with the end before"])
def test_a_claim_that_nobody_heard_of_is_given_back_by_who_made_it(storage, is_shared):
    queue = storage.open()
    queue.enqueue(*[NewPrompt(request={})] * 3)
    terms = Terms(worker=storage.register(slots=1).id)
    first = queue.claim(terms)
    with pytest.raises(StorageUnavailable), _answer_lost(queue._database):  # noqa: PT012 (it is what shares a commit)
        if is_shared:
            with queue.transaction():
                queue.finish(first, ANSWERED)
                queue.claim(terms)
        else:
            queue.claim(terms)

    following = queue.claim(terms)

    assert (following.attempt, following.prompt.failures) == (2, 0)
    assert queue.counts().processing == (1 if is_shared else 2)


def test_a_claim_that_was_heard_of_stays_when_a_later_one_was_not(storage):
    queue = storage.open()
    queue.enqueue(*[NewPrompt(request={})] * 3)
    terms = Terms(worker=storage.register(slots=3).id)
    held = queue.claim(terms)
    with pytest.raises(StorageUnavailable), _answer_lost(queue._database):
        queue.claim(terms)
    queue.claim(terms)
    queue.claim(terms)

    assert queue.finish(held, ANSWERED).outcome is Outcome.SUCCEEDED


def _goes_on(connection):
    with suppress(psycopg.OperationalError):
        return connection.execute("SELECT 1").fetchone()


def _answers(server):
    with suppress(psycopg.OperationalError), psycopg.connect(server.url("own")):
        return True


@contextmanager
def _answer_lost(database):
    """Let the server do what it is asked, and its answer to a claim or a commit not arrive."""
    execute, commit = database._execute, database_module._commit

    def lost(*_):
        raise CommitUnknown

    def claim_lost(session, statement, values):
        found = execute(session, statement, values)
        return lost() if "line_claim" in statement and not database.is_in_transaction else found

    with (
        patch.object(database, "_execute", claim_lost),
        patch.object(database_module, "_commit", lambda session: lost(commit(session))),
    ):
        yield


# ---- and a way to the server that was cut ----------------------------------------------------------------------------


def test_a_worker_whose_session_broke_has_five_seconds_from_its_last_renewal(storage, clock, ask_server):
    queue = storage.open()
    queue.enqueue(NewPrompt(request={}))
    presence = storage.register(slots=1)
    claim = queue.claim(Terms(worker=presence.id))
    clock.advance(3)
    queue.renew(claim)
    _cut_off(ask_server)

    clock.advance(SIGN_GRACE - 0.001)
    assert queue.recover() == Recovered()
    clock.advance(0.001)
    assert queue.recover().requeued == 1


def test_a_worker_that_has_come_back_by_then_keeps_what_it_claimed(storage, clock, ask_server):
    queue = storage.open()
    queue.enqueue(NewPrompt(request={}))
    presence = storage.register(slots=1)
    claim = queue.claim(Terms(worker=presence.id))
    _cut_off(ask_server)

    presence.stay()
    clock.advance(SIGN_GRACE)

    assert queue.recover() == Recovered()
    assert queue.finish(claim, ANSWERED).outcome is Outcome.SUCCEEDED


def test_processes_of_which_nothing_need_be_known_are_forgotten_and_come_back_all_the_same(storage, ask_server):
    queue, presence = storage.open(), storage.register(slots=2)
    _cut_off(ask_server)

    queue.recover()
    [(known,)] = ask_server("SELECT count(*) FROM presences")
    assert known == 0
    presence.stay()

    assert queue.workers().slots == 2


def _cut_off(ask_server):
    """End the sessions that hold presences, and wait until the server has freed their locks."""
    held = "FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886483813"
    ask_server(f"SELECT pg_terminate_backend(pid, 10000) {held}")
    [(left,)] = ask_server(f"SELECT count(*) {held}")
    assert left == 0
