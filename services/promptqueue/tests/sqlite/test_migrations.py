"""Migrations: each once, whole or not at all, and none for a database of a newer version."""

from contextlib import closing
from dataclasses import replace

import pytest
from promptqueue.condition import ModelState
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.owner import EVERYBODY
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect

FIRST = schema.migrations()


def look(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "queue.db"


@pytest.fixture
def migrate_to(monkeypatch):
    """Let these migrations follow the released ones."""

    def follow(*more):
        monkeypatch.setattr(schema, "migrations", lambda: [*FIRST, *more])

    return follow


def test_an_older_database_gets_what_it_lacks_and_keeps_what_it_has(ask, open_queue, migrate_to, path):
    prompt_id = ask("hello")

    migrate_to(["ALTER TABLE prompts ADD COLUMN colour TEXT"], ["CREATE TABLE third (a)"])
    newer = open_queue()

    assert look(path, "PRAGMA user_version") == [(len(FIRST) + 2,)]
    assert newer.request(prompt_id) == {"prompt": "hello"}


def test_a_running_older_worker_can_finish_after_a_migration(queue, begin, open_queue, migrate_to, answered):
    claim = begin()

    migrate_to(["ALTER TABLE prompts ADD COLUMN colour TEXT"])
    newer = open_queue()
    queue.finish(claim, answered)

    assert newer.get(claim.prompt.id).outcome == "succeeded"


def test_a_database_of_a_newer_version_is_refused_in_a_sentence_and_left_as_it_is(url, path, tmp_path, open_below):
    connect(url).open().close()
    look(path, f"PRAGMA user_version = {len(FIRST) + 1}")

    with pytest.raises(StorageUnavailable) as refused:
        connect(url).open()

    assert str(refused.value) == (
        f"The queue's database {path} has schema {len(FIRST) + 1}, and this program knows {len(FIRST)}: "
        "it was written by a newer version, so start that one, or restore a backup."
    )
    assert look(path, "PRAGMA user_version") == [(len(FIRST) + 1,)]
    assert open_below(tmp_path) == []


@pytest.mark.parametrize("existing", [True, False], ids=["an existing database", "an empty file"])
def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again(url, path, migrate_to, existing):
    if existing:
        connect(url).open().close()
    before = look(path, "SELECT name FROM sqlite_schema ORDER BY name")
    migrate_to(["CREATE TABLE second (a)"], ["CREATE TABLE third (a)", "CREATE NONSENSE"])

    with pytest.raises(StorageUnavailable, match="NONSENSE"):
        connect(url).open()

    assert look(path, "SELECT name FROM sqlite_schema ORDER BY name") == before
    assert look(path, "PRAGMA user_version") == [(len(FIRST) if existing else 0,)]
    migrate_to(["CREATE TABLE second (a)"])
    connect(url).open().close()
    assert look(path, "PRAGMA user_version") == [(len(FIRST) + 1,)]


def test_a_process_killed_within_a_migration_leaves_nothing(run, url, journal, path):
    program = """
import os, sys
from promptqueue.storage import connect
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.open_files import OpenFiles

real, run = schema.migrations, OpenFiles.execute

def die(self, statement, values=None):
    if "user_version = 2" in statement:
        os.kill(os.getpid(), 9)
    return run(self, statement, values)

OpenFiles.execute = die
schema.migrations = lambda: [*real(), ["CREATE TABLE second (a)"]]
connect(sys.argv[1], journal_mode=sys.argv[2]).open()
"""
    assert run(program).read() == ""

    assert look(path, "PRAGMA user_version") == [(0,)]
    assert look(path, "SELECT name FROM sqlite_schema") == []
    connect(url, journal_mode=journal).open().close()


def test_a_script_is_split_where_its_statements_end():
    script = (
        "-- one; two\nCREATE TABLE a (b);\nCREATE TRIGGER c AFTER INSERT ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
    )

    statements = [statement.strip() for statement in schema._statements(script)]

    assert statements == [
        "-- one; two\nCREATE TABLE a (b);",
        "CREATE TRIGGER c AFTER INSERT ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;",
        "",
    ]


@pytest.mark.parametrize("rest", ["CREATE TABLE a (b)", "CREATE TABLE a ("])
def test_a_last_statement_without_its_semicolon_is_not_passed_over(url, path, migrate_to, rest):
    migrate_to(schema._statements(f"CREATE TABLE c (d);\n{rest}"))

    if rest.endswith(")"):
        connect(url).open().close()
        assert look(path, "SELECT count(*) FROM a") == [(0,)]
    else:
        with pytest.raises(StorageUnavailable, match="incomplete"):
            connect(url).open()


def test_the_table_defends_itself(queue, ask):
    ask()

    for column, value in [
        *[("status", value) for value in ("processing", "completed", "lost")],
        *[("outcome", "succeeded"), ("leased_until", 5), ("priority", "urgent")],
        *[("error_code", "cancelled"), ("attempt", "many")],
    ]:
        with pytest.raises(sqlite3.IntegrityError):
            queue._database.run(f"UPDATE prompts SET {column} = :value", value=value)


def test_whoever_waits_already_keeps_the_place_when_the_line_is_counted_in_blocks(url, path, monkeypatch):
    monkeypatch.setattr(schema, "migrations", lambda: FIRST[:1])
    connect(url).open().close()
    look(
        path,
        """INSERT INTO prompts (seq, id, priority, status, created_at, outcome, completed_at)
        VALUES (1, 'a', 'interactive', 'queued', 1, NULL, NULL),
               (2, 'b', 'interactive', 'completed', 1, 'cancelled', 2),
               (300, 'c', 'interactive', 'queued', 1, NULL, NULL),
               (301, 'd', 'batch', 'queued', 1, NULL, NULL)""",
    )
    monkeypatch.undo()

    queue = connect(url).open()

    assert [queue.position(prompt_id) for prompt_id in "abcd"] == [1, None, 2, 3]
    queue.close()


def test_the_models_name_and_whether_the_queue_is_paused_outlive_the_migrations(url, path):
    with closing(sqlite3.connect(path)) as first_release:
        for statements in FIRST[:3]:
            first_release.executescript("".join(statements))
        first_release.execute("PRAGMA user_version = 3")
        first_release.execute(
            "UPDATE control SET paused = 1, model_name = 'mistral', model_state = 'downloading', model_percent = 42"
        )
        first_release.commit()

    with closing(connect(url).open()) as queue:
        assert queue.counts().paused
        assert (queue.model().name, queue.model().state) == ("mistral", ModelState.UNREACHABLE)


def test_prompts_that_were_there_before_origins_came_by_no_face_and_nobody_is_waited_for(url, path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(schema, "migrations", lambda: FIRST[:6])
        connect(url).open().close()
    look(path, "INSERT INTO prompts (id, priority, status, created_at) VALUES ('a', 'interactive', 'queued', 1)")
    look(path, "INSERT INTO models (worker, server, name, state) VALUES ('w', 's', 'mistral', 'ready')")

    with closing(connect(url).open()) as queue:
        assert (queue.origin("a"), queue.facts(), queue.model().name) == (None, None, "mistral")
        assert queue.recover().total == 0
        assert queue.cancel("a").outcome == "cancelled"


def test_what_was_there_before_owners_is_everybodys_takes_nothing_and_counts_when_it_ends(url, path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(schema, "migrations", lambda: FIRST[:8])
        connect(url).open().close()
    look(path, "INSERT INTO prompts (id, priority, status, created_at) VALUES ('a', 'interactive', 'queued', 1)")
    look(path, "INSERT INTO requests (seq, request) VALUES (1, '{}')")

    with closing(connect(url).open()) as queue:
        has = queue.holdings(EVERYBODY)
        assert (has.waiting, has.running, has.stored_bytes, queue.usage()) == (1, 0, 0, [])
        queue.delete("a")
        assert (queue.holdings(EVERYBODY).waiting, queue.holdings(EVERYBODY).stored_bytes) == (0, 0)
        assert [(each.owner, each.cancelled) for each in queue.usage()] == [("everybody", 1)]


def test_prompts_and_servers_from_before_servers_were_named_are_of_none_and_have_a_slot(url, path, monkeypatch, hire):
    living = hire()
    with monkeypatch.context() as before:
        before.setattr(schema, "migrations", lambda: FIRST[:11])
        connect(f"{url}-older").open().close()
    older = path.with_name("queue.db-older")
    look(older, "INSERT INTO prompts (id, priority, status, created_at) VALUES ('a', 'interactive', 'queued', 1)")
    look(older, "INSERT INTO requests (seq, request) VALUES (1, '{}')")
    worker = living.terms.worker
    look(older, f"INSERT INTO models (worker, server, name, state) VALUES ('{worker}', 's', 'mistral', 'ready')")

    with closing(connect(f"{url}-older").open()) as queue:
        assert queue.get("a").server is None
        assert [(each.address, each.slots, each.busy) for each in queue.servers()] == [("s", 1, 0)]
        assert queue.claim(replace(living.terms, server="s")).prompt.server == "s"


def test_what_an_older_program_accepts_and_ends_meanwhile_is_counted(queue, path):
    look(path, "INSERT INTO prompts (id, priority, status, created_at) VALUES ('a', 'interactive', 'queued', 1)")
    ends = "status = 'completed', outcome = 'cancelled', completed_at = 2, error_code = 'cancelled', error_message = ''"
    look(path, f"UPDATE prompts SET {ends} WHERE id = 'a'")

    assert [(each.day, each.owner, each.cancelled) for each in queue.usage()] == [("1970-01-01", "everybody", 1)]


def test_an_upgrade_reads_what_is_stored_a_few_times_at_most():
    """A column that is added to a table with CHECKs reads the whole of it, and there may be a million prompts."""
    stored, instructions = 2_000, []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for statement in [each for script in FIRST[:3] for each in script]:
            database.execute(statement)
        database.executemany(
            """
            INSERT INTO prompts (id, priority, status, outcome, created_at, completed_at)
            VALUES (?, 'interactive', 'completed', 'succeeded', 1, 2)
            """,
            [(str(number),) for number in range(stored)],
        )
        database.set_progress_handler(lambda: instructions.append(100), 100)
        for statement in [each for script in FIRST[3:] for each in script]:
            database.execute(statement)

        assert sum(instructions) < 200 * stored
        assert database.execute("SELECT bad_ends, owner, bytes FROM prompts LIMIT 1").fetchall() == [(0, 0, 0)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
