"""A migration that is broken off goes on where it was, and nothing opens what is not whole."""

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import promptqueue
import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.migration import chunks
from promptqueue.migration.postgres_target import PostgresTarget
from promptqueue.operator.audit import record
from promptqueue.operator.copies import migrate as migrate_command
from promptqueue.owners.deed import Act, Deed
from promptqueue.prompt import NewPrompt, Status
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import connect
from support.postgres import postgres_server
from support.small_disk import mounted

from services.promptqueue.tests.migration.lived_in import live_in

BROKEN_OFF = """
import os, runpy, signal, sys
from promptqueue.migration import chunks, moving
from promptqueue.migration.{module} import {target} as Target
chunks.MOST_ROWS, write, left = 97, Target.write, {after}

def write_some(self, table, rows):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    write(self, table, rows)

Target.write = write_some
sys.argv[1:] = ["migrate", {source!r}, {there!r}]
runpy.run_module("promptqueue", run_name="__main__")
"""
TARGETS = {
    "sqlite": {"module": "sqlite_target", "target": "SQLiteTarget"},
    "postgres": {"module": "postgres_target", "target": "PostgresTarget"},
}
CHUNKS = 30  # at least
WAYS = [("sqlite", "postgres"), ("postgres", "sqlite")]


@pytest.fixture
def killed():
    """Let the command be killed after it has written so many chunks."""

    def kill(source, there, engine, after):
        program = BROKEN_OFF.format(source=source, there=there, after=after, **TARGETS[engine])
        environ = {"PYTHONPATH": str(Path(promptqueue.__file__).parents[1])}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environ, capture_output=True, check=False, timeout=60)
        assert done.returncode == -9, done.stderr

    return kill


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("at_random", [False, True])
def test_one_that_was_killed_goes_on(lived_in, place, moved, killed, source, target, at_random):
    there, here = lived_in(source), place(target)
    after = random.randrange(1, CHUNKS) if at_random else 0

    killed(there, here, target, after)
    done = moved(there, here)

    assert 0 < done["resumed_after"] < done["rows"] if after else not done["resumed_after"], after


def test_whoever_breaks_it_off_is_told_that_it_can_go_on(lived_in, place, typed, moved, monkeypatch):
    there, here = lived_in("sqlite"), place("postgres")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(PostgresTarget, "miscounts", interrupted)
        said = typed("migrate", there, here)

    assert (said.code, said.err) == (1, "Broken off; the same command goes on.\n\nAborted!\n")
    assert moved(there, here)["resumed_after"] > 2_000


def test_half_a_queue_in_a_database_is_opened_by_nobody(lived_in, place, killed, moved):
    there, here = lived_in("sqlite"), place("postgres")
    killed(there, here, "postgres", 3)

    for journal_mode in ("auto", "keep"):
        with (
            closing(connect(here, journal_mode=journal_mode)) as storage,
            pytest.raises(StorageUnavailable, match=r"^The queue is being moved into this database and is not whole "),
        ):
            storage.open()
    moved(there, here)

    with closing(connect(here)) as storage, closing(storage.open()) as queue:
        assert queue.counts().completed > 900


def test_half_a_queue_in_a_file_is_under_another_name(lived_in, place, killed, moved):
    there, here = lived_in("postgres"), place("sqlite")
    killed(there, here, "sqlite", 3)

    assert not path_of(here).exists()
    moved(there, here)

    assert not [*path_of(here).parent.glob(".*")]


def test_one_that_was_killed_at_its_very_end_begins_anew(lived_in, place, moved):
    there, here = lived_in("postgres"), place("sqlite")
    live_in(f"sqlite:///{path_of(here).with_name('.queue.db.migrating')}", 50)

    moved(there, here)

    with closing(connect(here)) as storage, closing(storage.open()) as queue:
        assert queue.counts().completed > 900


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("where", ["before either says so", "between the two", "after that"])
def test_one_that_was_broken_off_when_all_was_done_says_so_the_next_time(
    lived_in, place, moved, opened, monkeypatch, source, target, where
):
    there, here = lived_in(source), place(target)
    with opened(there) as queue:
        queue.pause(False)
    with monkeypatch.context() as patched:
        if where != "after that":
            said = {"before either says so": Act.MOVED_HERE, "between the two": Act.MOVED_AWAY}[where]
            patched.setattr(migrate_command, "record", broken_off_at(said))
            with pytest.raises(AssertionError, match="moved"):
                moved(there, here)
        else:
            moved(there, here)

    done = moved(there, here)

    assert done["completed"] > 900
    with opened(there) as queue:
        assert queue.counts().paused
        assert [deed.what for deed in queue.deeds(limit=10)].count(Act.MOVED_AWAY) == 1
    with opened(here) as queue:
        assert not queue.counts().paused
        assert [deed.what for deed in queue.deeds(limit=10)].count(Act.MOVED_HERE) == 1


def broken_off_at(act):
    def record_some(queue, what, to):
        assert what != act, what
        record(queue, what, to)

    return record_some


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_one_that_was_used_since_it_was_moved_is_not_moved_over(
    lived_in, place, moved, migrate, of_one, source, target
):
    there, here = lived_in(source), place(target)
    moved(there, here)
    with closing(connect(there)) as storage, closing(storage.open()) as queue:
        queue.pause(False)
        queue.record(Deed(who="somebody", what=Act.RESUMED))
    of_one(here)

    assert migrate(there, here).refusal[0] == "not_migratable"


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_what_was_begun_from_another_queue_is_not_gone_on_with(
    lived_in, place, of_one, migrate, killed, source, target
):
    there, here, other = lived_in(source), place(target), place("sqlite")
    killed(there, here, target, 3)
    of_one(other)

    code, message = migrate(other, here).refusal

    assert code == "not_migratable"
    assert "what came so far of another queue" in message


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_source_that_was_used_since_is_noticed_and_the_next_try_begins_anew(
    lived_in, place, migrate, moved, opened, killed, source, target
):
    there, here = lived_in(source), place(target)
    killed(there, here, target, 20)
    with opened(there) as queue:
        first = queue.newest(limit=1_000, status=Status.QUEUED).prompts[-1]
        queue.cancel(first.id)

    code, message = migrate(there, here).refusal
    done = moved(there, here)

    assert code == "not_migratable"
    assert "prompts has 2," in message or "prompts has 1," in message
    assert ", not the same ones. Was the source used since" in message
    assert done["resumed_after"] == 0


def test_a_full_disk_ends_it_in_a_sentence_and_it_goes_on_once_there_is_room(lived_in, migrate, moved, tmp_path):
    there = lived_in("postgres")
    with mounted(tmp_path / "disk") as disk:
        here = f"sqlite:///{disk.path}/queue.db"

        code, message = migrate(there, here).refusal

        assert code == "storage_unavailable"
        assert "its disk is full, so make room there" in message
        disk.remount("size=200m")
        assert moved(there, here)["resumed_after"] > 0


def test_a_server_that_goes_away_ends_it_in_a_sentence_and_it_goes_on_once_that_is_back(
    lived_in, migrate, moved, monkeypatch
):
    there = lived_in("sqlite")
    with postgres_server(durable=True) as own:
        own.make_database("queue")
        write, written = PostgresTarget.write, []

        def write_until_it_goes(self, table, rows):
            written.append(table)
            if len(written) == 9:
                own.kill()
            write(self, table, rows)

        monkeypatch.setattr(chunks, "MOST_ROWS", 97)
        monkeypatch.setattr(PostgresTarget, "write", write_until_it_goes)
        code, message = migrate(there, own.url("queue")).refusal
        own.start()

        assert (code, message.partition(":")[0]) == ("storage_unavailable", "The queue's PostgreSQL cannot be used")
        assert moved(there, own.url("queue"))["resumed_after"] > 0


def test_what_is_asked_after_the_move_comes_last_and_gets_a_number_of_its_own(lived_in, place, moved, opened):
    there, here, back = lived_in("sqlite"), place("postgres"), place("sqlite")
    moved(there, here)
    with opened(here) as queue:
        [one] = queue.enqueue(NewPrompt(request={"prompt": "after"}))
    moved(here, back)
    with opened(back) as queue:
        [another] = queue.enqueue(NewPrompt(request={"prompt": "after that"}))

        newest = queue.newest(limit=2).prompts

    assert [prompt.id for prompt in newest] == [another.prompt.id, one.prompt.id]
