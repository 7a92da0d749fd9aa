"""Where the queue's tables may be: in a database that is ours, of a server that takes them, by who may make them."""

import threading
from contextlib import closing

import psycopg
import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.postgres.server import locks, schema
from promptqueue.postgres.server.address import address_of
from promptqueue.postgres.server.session import Sessions
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect
from support.postgres import postgres_server
from support.waiting import DEADLINE, until


@pytest.fixture
def ask_own(own_server):
    """Ask the server something, about the database of its own."""
    with psycopg.connect(own_server.url("own"), autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def open_own(own_server):
    """Open a queue there."""

    def open_queue(url=None):
        with closing(connect(url or own_server.url("own"))) as storage:
            storage.open().close()

    return open_queue


def test_tables_are_made_once_however_many_begin_at_once(own_server, ask_own, child):
    program = """
import sys
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect

print("ready", flush=True)
sys.stdin.readline()
connect(sys.argv[1]).open().enqueue(NewPrompt(request={}))
"""
    children = [child(program, own_server.url("own")) for _ in range(4)]
    assert [each.read() for each in children] == ["ready"] * 4
    for each in children:
        each.say()
    for each in children:
        each.output()

    assert ask_own("SELECT count(*) FROM prompts").fetchone() == (4,)
    assert ask_own("SELECT version FROM schema_version").fetchall() == [(schema.known(),)]


def test_a_table_of_somebody_elses_is_left_alone(ask_own, open_own):
    ask_own("CREATE TABLE prompts (mine text)")

    with pytest.raises(StorageUnavailable, match="a table prompts that is none of the queue's"):
        open_own()

    assert ask_own("SELECT count(*) FROM prompts").fetchone() == (0,)


def test_a_database_holds_one_queue(ask_own, open_own, own_server):
    open_own()
    ask_own("CREATE ROLE guest LOGIN")
    ask_own("CREATE SCHEMA guest AUTHORIZATION guest")
    ask_own("ALTER ROLE guest SET search_path = guest")

    with pytest.raises(StorageUnavailable, match="has a queue in its schema public: name another database"):
        open_own(own_server.url("own").replace("queue@", "guest@"))


def test_a_database_in_another_encoding_is_refused_by_its_name(own_server, open_own):
    own_server.run("createdb", "--template", "template0", "--encoding", "SQL_ASCII", "plain")

    with pytest.raises(StorageUnavailable, match=r"^The database plain is in SQL_ASCII: make one in UTF8\.$"):
        open_own(own_server.url("plain"))


def test_what_a_database_says_of_sessions_changes_nothing(ask_own, own_server):
    for name, value in {
        "client_encoding": "LATIN1",
        "default_transaction_isolation": "serializable",
        "extra_float_digits": "-10",
        "idle_session_timeout": "100ms",
    }.items():
        ask_own(f"ALTER DATABASE own SET {name} = '{value}'")

    with closing(connect(own_server.url("own"))) as storage, closing(storage.open()) as queue:
        asked = queue.enqueue(NewPrompt(request={"prompt": "\u2028"}, timeout=1_234_567.890625))[0].prompt
        with storage.sessions.borrowed() as session:
            isolation = session.execute("SHOW transaction_isolation").fetchall()

        assert queue.request(asked.id) == {"prompt": "\u2028"}
        assert (asked.timeout, isolation) == (1_234_567.890625, [{"transaction_isolation": "read committed"}])


def test_tables_that_are_gone_are_told_in_a_sentence_and_missed_until_they_are_back(ask_own, own_server):
    with closing(connect(own_server.url("own"))) as storage, closing(storage.open()) as queue:
        asked = queue.enqueue(NewPrompt(request={}))[0].prompt
        ask_own("ALTER TABLE line RENAME TO elsewhere")

        for verb in (queue.counts, queue.recover, lambda: queue.enqueue(NewPrompt(request={}))):
            with pytest.raises(
                StorageUnavailable, match=r'"line" does not exist; somebody moved or removed its tables'
            ):
                verb()
        ask_own("ALTER TABLE elsewhere RENAME TO line")

        assert queue.position(asked.id) == 1


def test_what_a_newer_version_made_is_left_alone(ask_own, open_own):
    open_own()
    ask_own("UPDATE schema_version SET version = version + 1")

    with pytest.raises(StorageUnavailable, match="run the version that wrote it, or a newer one"):
        open_own()


def test_who_may_not_make_tables_is_told_what_to_grant(ask_own, open_own, own_server):
    ask_own("CREATE ROLE guest LOGIN")

    with pytest.raises(StorageUnavailable, match=r"guest may not make tables .* own the database .* CREATE"):
        open_own(own_server.url("own").replace("queue@", "guest@"))


def test_who_may_only_use_them_needs_no_more(ask_own, open_own, own_server):
    open_own()
    ask_own("CREATE ROLE guest LOGIN")
    ask_own("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest")
    ask_own("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guest")

    with (
        closing(connect(own_server.url("own").replace("queue@", "guest@"))) as storage,
        closing(storage.open()) as queue,
    ):
        assert queue.enqueue(NewPrompt(request={}))[0].position == 1


def test_a_standby_alone_is_no_place_for_a_queue(own_server, open_own):
    open_own()
    with postgres_server(durable=False, primary=own_server) as standby:
        until(lambda: standby.has_all_of(own_server), "the standby has the tables")

        with pytest.raises(StorageUnavailable, match=r"cannot be used: .*(standby|read-write|read-only)"):
            open_own(standby.url("own"))
        with (
            closing(connect(standby.url("own", target_session_attrs="any"))) as storage,
            pytest.raises(StorageUnavailable, match="name the primary in DATABASE_URL, or all of them"),
        ):
            storage.open().enqueue(NewPrompt(request={}))


def test_whoever_waits_while_another_makes_the_tables_finds_them_made(own_server):
    with closing(Sessions(address_of(own_server.url("own")))) as sessions:
        first, second, trouble = sessions.open(), sessions.open(), []
        first.execute("SELECT pg_advisory_lock(%s, %s)", [locks.SINGLE, locks.SCHEMA])
        waiting = threading.Thread(target=lambda: _migrate(second, trouble))
        waiting.start()
        until(lambda: first.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").rowcount)
        # As few as will do: of many the server has all others told, whether or not they ask.
        first.execute("CREATE TABLE prompts (seq bigint)")
        first.execute(f"CREATE TABLE schema_version AS SELECT {schema.known()} AS version")
        first.execute("SELECT pg_advisory_unlock(%s, %s)", [locks.SINGLE, locks.SCHEMA])
        waiting.join(DEADLINE)
        for session in (first, second):
            session.close()

    assert trouble == []


def _migrate(session, trouble):
    try:
        schema.migrate(session)
    except StorageUnavailable as unavailable:
        trouble.append(str(unavailable))
