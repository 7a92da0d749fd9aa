"""What is refused before anything is written, and what is told."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import promptqueue
import pytest
from promptqueue.migration.postgres_target import BEGUN_WITH, EMPTIED
from promptqueue.migration.tables import TABLES
from promptqueue.settings import without_secrets
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3 as engine
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import connect
from support.pgbouncer import pgbouncer

from services.promptqueue.tests.operator.conftest import Terminal
from services.promptqueue.tests.postgres.backend import DATABASE, seeds, server

ENGINES = ["sqlite", "postgres"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_that_anybody_has_open_stays_where_it_is(place, of_one, migrate, engine):
    there, here = place(engine), place("sqlite")
    of_one(there)

    with closing(connect(there)) as storage, closing(storage.open()):
        code, message = migrate(there, here).refusal

    assert code == "in_use"
    assert "is in use: end every proxy and worker first" in message
    assert not path_of(here).exists()


def test_a_target_that_anybody_has_open_is_left_alone(place, of_one, migrate):
    there, here = place("sqlite"), place("postgres")
    of_one(there)

    with closing(connect(here)) as storage, closing(storage.open()):
        code, message = migrate(there, here).refusal

    assert code == "in_use"
    assert message.startswith("The queue at postgresql://…@127.0.0.1:")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_target_in_which_somebody_asked_is_left_alone(place, of_one, migrate, opened, engine):
    there, here = place("sqlite"), place(engine)
    of_one(there)
    asked = of_one(here)

    code, message = migrate(there, here).refusal

    assert code == "not_migratable"
    assert "already" in message
    with opened(here) as queue:
        assert [prompt.id for prompt in queue.newest().prompts] == [asked]


def test_a_database_in_which_nobody_has_asked_yet_will_do(place, of_one, moved, opened):
    there, here = place("sqlite"), place("postgres")
    asked = of_one(there)
    with opened(here) as queue:
        queue.secret()

    moved(there, here)

    with opened(here) as queue:
        assert queue.get(asked).status == "queued"


def test_a_pooler_through_which_nobody_can_be_alone_is_refused(place, of_one, migrate):
    there, here = place("sqlite"), place("postgres")
    of_one(there)

    with pgbouncer(server(), pool_mode="transaction") as url:
        code, message = migrate(there, url(here.rpartition("/")[2])).refusal

    assert code == "storage_unavailable"
    assert "pool_mode = transaction" in message


def test_people_see_how_far_it_is(place, of_one):
    there, here = place("sqlite"), place("sqlite")
    of_one(there)

    with Terminal(f"migrate {there} {here}", {"PYTHONPATH": str(Path(promptqueue.__file__).parents[1])}) as terminal:
        shown = terminal.to_its_end()

    assert terminal.code == 0
    assert re.search(r"Copying .*100%", shown)
    assert re.search(r"Comparing .*100%", shown)


def test_a_file_can_move_within_its_folder(place, of_one, moved, opened):
    there = place("sqlite")
    here = there.replace("queue.db", "other.db")
    asked = of_one(there)

    moved(there, here)

    with opened(here) as queue:
        assert queue.get(asked).status == "queued"


def test_the_same_queue_is_no_place_to_move_to(place, of_one, migrate):
    there = place("sqlite")
    of_one(there)

    assert migrate(there, there).refusal == ("not_migratable", "Source and target are the same queue.")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_that_is_not_there_is_not_made(place, migrate, engine):
    code, _ = migrate(place(engine), place("sqlite")).refusal

    assert code == "no_queue"


def test_a_damaged_text_is_named_that_cannot_be_stored(place, of_one, migrate):
    there, here = place("sqlite"), place("postgres")
    of_one(there)
    with closing(engine.connect(path_of(there))) as file, file:
        file.execute("UPDATE requests SET request = 'a' || char(0)")

    code, message = migrate(there, here).refusal

    assert code == "not_migratable"
    assert message.startswith("In prompts 1 is a U+0000, which only damage brings there")


def test_a_source_of_an_older_version_is_brought_up_to_date(place, moved, opened):
    there, here = place("sqlite"), place("postgres")
    with closing(sqlite3.connect(path_of(there))) as first_release, first_release:
        for statements in schema.migrations()[:3]:
            first_release.executescript("".join(statements))
        first_release.execute("PRAGMA user_version = 3")
        first_release.execute(
            """
            INSERT INTO prompts (id, priority, status, outcome, created_at, completed_at)
            VALUES ('7d444840-9dc0-11d1-b245-5ffdce74fad2', 'batch', 'completed', 'succeeded', 1.5, 2.5)
            """
        )
        first_release.execute('INSERT INTO requests (seq, request) VALUES (1, \'{"prompt":"old"}\')')
        first_release.execute('INSERT INTO answers (seq, answer) VALUES (1, \'{"response":"older"}\')')
        first_release.execute("INSERT INTO partials (seq, attempt, offset, text) VALUES (1, 1, 0, 'a' || char(0, 98))")

    moved(there, here)

    with opened(here) as queue:
        [prompt] = queue.newest().prompts
        assert (prompt.priority, prompt.created_at) == ("batch", 1.5)
        assert queue.answer(prompt.id) == {"response": "older"}
        assert queue.partial(prompt.id) == "a\0b"


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_the_source_keeps_all_and_is_paused_and_says_where_it_went(place, of_one, moved, opened, typed, source, target):
    there, here = place(source), place(target)
    asked = of_one(there)

    moved(there, here)

    told, people = typed("status", "--json", "--database-url", there).json, typed("status", "--database-url", there).out
    assert (told["queued"], told["paused"], told["moved_to"]) == (1, True, without_secrets(here))
    assert f"moved       to {without_secrets(here)}: what is accepted here stays here\n" in people
    assert typed("status", "--json", "--database-url", here).json["paused"] is False
    with opened(there) as queue:
        assert [deed.what for deed in queue.deeds(limit=9)] == ["queue moved away"]
        assert queue.get(asked).status == "queued"


def test_people_are_told_what_was_compared_and_what_to_do_next(place, of_one, typed):
    there, here = place("sqlite"), place("postgres")
    of_one(there)

    said = typed("migrate", there, here)

    assert re.fullmatch(
        r"Moved: 1 prompt in line, 0 completed, in \d+\.\d s\.\n"
        r"Compared: 41 rows in 14 tables, the same on both sides by number and SHA-256\.\n"
        r"Let DATABASE_URL name postgresql://…@127\.0\.0\.1:\d+/migration_\d+ from now on\. The source has all that it "
        r"had and is paused; keep it until you are sure\.\n",
        said.out,
    )


def test_a_queue_that_was_paused_stays_so_and_that_is_said(place, of_one, typed, opened):
    there, here = place("sqlite"), place("postgres")
    of_one(there)
    with opened(there) as queue:
        queue.pause(True)

    said = typed("migrate", there, here).out

    assert said.endswith("What was moved is paused too, as it was: `resume` lets it go on.\n")
    with opened(here) as queue:
        assert queue.counts().paused


def test_nothing_is_left_in_a_database_that_is_emptied():
    copied = {table.name for table in TABLES}
    kept = {"presences", "servers", "clocks", "witness"}  # of this server and its machines

    assert {*EMPTIED, *BEGUN_WITH, *kept} | {"lanes", "control"} == {*seeds()}
    assert copied <= {*EMPTIED, *BEGUN_WITH, "lanes", "control"}
    assert server().url(DATABASE)
