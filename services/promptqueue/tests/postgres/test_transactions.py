"""Transactions: all or nothing, also where a part fails, the server goes, or nobody knows what became of a commit."""

import signal
import threading
from contextlib import closing

import pytest
from promptqueue.errors import PromptQueueError, StorageUnavailable
from promptqueue.postgres.server import session
from promptqueue.postgres.server.session import MOST
from promptqueue.storage import connect

ADD = "INSERT INTO audit (at, who, what, done_to) VALUES (0, %(who)s, '', '')"
BREAK_OFF = """
    WITH added AS (INSERT INTO audit (at, who, what, done_to) VALUES (0, 'a', '', '') RETURNING number)
    SELECT pg_terminate_backend(pg_backend_pid()) FROM added
"""
UNKNOWN = r"not known whether the commit reached the disk.*Idempotency-Key"


@pytest.fixture
def database(queue):
    return queue._database


@pytest.fixture
def added(ask_server):
    return lambda: [who for (who,) in ask_server("SELECT who FROM audit ORDER BY number")]


def refuse(database, *, after_writing):
    with database.transaction():
        if after_writing:
            database.run(ADD, who="half")
        raise PromptQueueError


def test_a_part_that_refuses_before_it_writes_costs_the_others_nothing(database, added):
    with database.transaction():
        database.run(ADD, who="a")
        with pytest.raises(PromptQueueError):
            refuse(database, after_writing=False)
        database.run(ADD, who="b")

    assert added() == ["a", "b"]


def test_half_of_a_part_is_never_committed(database, added):
    def commit():
        with database.transaction():
            database.run(ADD, who="a")
            with pytest.raises(PromptQueueError):
                refuse(database, after_writing=True)

    with pytest.raises(StorageUnavailable, match="given up"):
        commit()

    database.run(ADD, who="next")
    assert added() == ["next"]


def test_a_session_that_breaks_before_the_commit_has_changed_nothing(database, ask_server, added):
    def commit():
        with database.transaction():
            database.run(ADD, who="a")
            ask_server("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
            database.run(ADD, who="b")

    with pytest.raises(StorageUnavailable, match="the server stops or starts"):
        commit()

    database.run(ADD, who="next")
    assert added() == ["next"]


def test_whether_a_commit_happened_whose_answer_got_lost_is_not_claimed_to_be_known(database):
    with pytest.raises(StorageUnavailable, match=UNKNOWN):
        database.run(BREAK_OFF)


def test_sessions_that_a_restart_cut_are_not_used_again(own_server):
    storage = connect(own_server.url("own"))
    queue = storage.open()
    queue._database.run(ADD, who="before")

    own_server.kill()
    with pytest.raises(StorageUnavailable, match=r"^The queue's PostgreSQL cannot be used: .*\.$"):
        queue.ping()
    own_server.start()

    queue._database.run(ADD, who="after")
    assert queue._database.run("SELECT who FROM audit ORDER BY number") == [{"who": "before"}, {"who": "after"}]
    storage.close()


def test_however_many_threads_there_are_a_process_has_no_more_sessions_than_it_uses_again(storage, ask_server):
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ollama-proxy' AND backend_type ~ 'client'"
    storage.open().ping()
    before = ask_server(ours)[0][0]
    most = []

    def use():
        most.append(storage.open()._database.run(f"SELECT ({ours}) AS now, pg_sleep(0.05)")[0]["now"])

    threads = [threading.Thread(target=use) for _ in range(3 * MOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 3 * MOST
    assert max(most) - before < MOST


def test_only_what_may_be_lost_does_not_wait_for_the_disk(database):
    how = "SELECT current_setting('synchronous_commit') AS how"
    with database.transaction(durable=False):
        relaxed = database.run(how)
    with database.transaction():
        durable = database.run(how)

    assert (relaxed, durable, database.run(how)) == ([{"how": "off"}], [{"how": "on"}], [{"how": "on"}])


def test_why_a_part_failed_is_told_to_all_who_shared_its_commit(database, added):
    def commit():
        with database.transaction():
            database.run("SET LOCAL statement_timeout = 20")
            database.run(ADD, who="a")
            with pytest.raises(StorageUnavailable, match="statement timeout"):
                database.run("SELECT pg_sleep(20)")
            with pytest.raises(StorageUnavailable, match="statement timeout"):
                database.run(ADD, who="b")

    with pytest.raises(StorageUnavailable, match="statement timeout"):
        commit()

    assert added() == []


def test_a_server_that_stands_still_is_given_up_and_used_again_when_it_goes_on(own_server, monkeypatch):
    monkeypatch.setattr(session, "PATIENCE", 0.5)
    with closing(connect(own_server.url("own"))) as storage, closing(storage.open()) as queue:
        queue.ping()
        own_server.signal(signal.SIGSTOP)
        try:
            with pytest.raises(StorageUnavailable, match=r"no answer within 0\.5 seconds"):
                queue.ping()
        finally:
            own_server.signal(signal.SIGCONT)

        queue.ping()
