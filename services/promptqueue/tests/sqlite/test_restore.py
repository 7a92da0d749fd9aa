"""Restoring puts a checked copy in the queue's place, when nobody has the queue open, and keeps the old one."""

import os
import shutil
import tempfile
import threading
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path

import pytest
from promptqueue.errors import QueueInUse, StorageUnavailable
from promptqueue.prompt import NewPrompt, Terms
from promptqueue.sqlite.copies import restore as restoring
from promptqueue.sqlite.errors import NotRestorable
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import usage
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import connect

NOBODY = 65_534
OPENED = """
import sys
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect

queue = connect(sys.argv[1], journal_mode=sys.argv[2]).open()
"""


def restore(url, source, **how):
    return restoring.restore(path_of(url), source, **how)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "queue.db"


@pytest.fixture
def opened(url, journal, clock):
    return lambda: closing(connect(url, journal_mode=journal, clock=clock).open())


@pytest.fixture
def copy(tmp_path, opened, storage):
    """A backup that holds the prompts `old`, made of a queue that has since got `new` instead."""
    file = tmp_path / "copy"
    with opened() as queue:
        [old] = queue.enqueue(NewPrompt(request={"prompt": "old"}))
        storage.backup(file)
        queue.delete(old.prompt.id)
        queue.enqueue(NewPrompt(request={"prompt": "new"}))
    return file


@pytest.fixture
def prompts(opened):
    """The prompts in the queue now."""

    def ask():
        with opened() as queue:
            return [queue.request(prompt.id)["prompt"] for prompt in queue.newest().prompts]

    return ask


def texts(file):
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT request FROM requests")]


def test_what_was_backed_up_is_back(url, copy, prompts):
    restore(url, copy)

    assert prompts() == ["old"]
    assert copy.exists()


def test_the_replaced_queue_is_kept_beside_it_complete_in_one_file(url, copy, path, tmp_path):
    kept = restore(url, copy)

    assert kept.parent == path.parent
    assert kept.name.startswith("queue.db.replaced-")
    assert texts(kept) == ['{"prompt":"new"}']
    assert {each.name for each in tmp_path.glob("*queue.db*")} == {"queue.db", kept.name}


def test_a_log_that_a_killed_process_left_goes_with_the_old_queue(run, url, journal, copy, path, prompts):
    writing = run(
        OPENED
        + """
queue.enqueue(NewPrompt(request={"prompt": "newest"}))
print("written", flush=True)
sys.stdin.read()
"""
    )
    writing.read()
    writing.kill()

    kept = restore(url, copy)

    assert prompts() == ["old"]
    assert texts(kept) == ['{"prompt":"new"}', '{"prompt":"newest"}']


@pytest.mark.parametrize("leftover", ["-wal", "-journal"])
def test_a_journal_without_its_database_is_not_played_into_the_new_one(url, copy, path, tmp_path, leftover, prompts):
    path.unlink()
    (tmp_path / f"queue.db{leftover}").write_bytes(b"left over")

    assert restore(url, copy) is None

    assert prompts() == ["old"]
    assert [each.read_bytes() for each in tmp_path.glob(f"queue.db.replaced-*{leftover}")] == [b"left over"]


def test_a_damaged_queue_can_be_replaced(url, copy, path, prompts):
    path.write_bytes(b"my diary, volume one\n" * 1_000)

    kept = restore(url, copy)

    assert prompts() == ["old"]
    assert kept.read_bytes() == b"my diary, volume one\n" * 1_000


def test_a_queue_that_any_process_has_open_is_not_replaced(run, url, copy, prompts):
    holder = run(OPENED + 'print("open", flush=True)\nsys.stdin.readline()')
    holder.read()

    with copy.open("rb") as stream:
        for source in (copy, stream):
            with pytest.raises(QueueInUse, match=r"^The queue is in use: end every proxy and worker first"):
                restore(url, source)
        assert stream.tell() == 0
    holder.kill()
    assert prompts() == ["new"]
    restore(url, copy)
    assert prompts() == ["old"]


def test_a_queue_that_a_stranger_has_open_is_not_replaced(url, journal, copy, path, prompts):
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN")
        stranger.execute("SELECT count(*) FROM prompts").fetchone()

        with pytest.raises(QueueInUse):
            restore(url, copy)

    assert prompts() == ["new"]


def test_nobody_opens_the_queue_meanwhile_and_everybody_afterwards(url, journal, copy, prompts):
    heard = []

    def look(_done, _total):
        with pytest.raises(StorageUnavailable) as refused:
            connect(url, journal_mode=journal).open()
        heard.append(str(refused.value))

    restore(url, copy, progress=look)

    assert set(heard) == {"The queue's database is being restored; everything goes on by itself when that is done."}
    assert prompts() == ["old"]


DAMAGE = {
    "in the middle": lambda whole: whole[: 4096 * 3] + b"\xff" * 4096 * 4 + whole[4096 * 7 :],
    "cut short": lambda whole: whole[: len(whole) // 2],
    "text": lambda _: b"my diary, volume one\n" * 1_000,
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("given", ["a file", "a stream"])
@pytest.mark.parametrize("damage", [*DAMAGE, "no queue", "newer"])
def test_what_is_no_whole_queue_changes_nothing(url, copy, prompts, tmp_path, given, damage):
    if damage in DAMAGE:
        copy.write_bytes(DAMAGE[damage](copy.read_bytes()))
    else:
        copy.unlink() if damage == "no queue" else None
        with closing(sqlite3.connect(copy)) as other:
            other.execute("CREATE TABLE songs (title)")
            other.execute(f"PRAGMA user_version = {schema.known() + 1}") if damage == "newer" else None

    named = copy if given == "a file" else "What came"
    told = rf"^{named} cannot take the place of the queue's database: .*; nothing was changed\.$"
    with pytest.raises(NotRestorable, match=told):
        restore(url, copy if given == "a file" else BytesIO(copy.read_bytes()))

    assert prompts() == ["new"]
    assert [each for each in tmp_path.iterdir() if "replaced" in each.name or each.name.startswith(".queue.db.")] == []


def test_a_copy_that_is_missing_is_told(url, tmp_path):
    with pytest.raises(NotRestorable, match=r"missing cannot take the place .*; nothing was changed\.$"):
        restore(url, tmp_path / "missing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can let somebody else try")
def test_a_copy_that_may_not_be_read_is_told_with_the_way_round(copy):
    elsewhere = Path(tempfile.mkdtemp())
    elsewhere.chmod(0o777)
    shutil.copy(copy, elsewhere / "copy")
    (elsewhere / "copy").chmod(0o600)

    os.seteuid(NOBODY)
    try:
        with pytest.raises(NotRestorable) as refused:
            restore(f"sqlite:///{elsewhere}/queue.db", elsewhere / "copy")
    finally:
        os.seteuid(0)
        shutil.rmtree(elsewhere)

    assert f"it belongs to user 0, and user {NOBODY} may not read it: give it on standard input" in str(refused.value)


def test_a_stream_is_restored_like_a_file(url, copy, prompts, tmp_path):
    heard = []

    with copy.open("rb") as stream:
        kept = restore(url, stream, progress=lambda *told: heard.append(told))

    assert prompts() == ["old"]
    assert texts(kept) == ['{"prompt":"new"}']
    assert heard[-1] == (copy.stat().st_size,) * 2


def test_an_older_schema_is_restored_and_then_migrated(url, tmp_path, prompts):
    older = tmp_path / "older.db"
    with closing(sqlite3.connect(older)) as first_release:
        for statements in schema.migrations()[:3]:
            first_release.executescript("".join(statements))
        first_release.execute("PRAGMA user_version = 3")
        first_release.execute(
            "INSERT INTO prompts (id, priority, status, created_at) VALUES ('1', 'batch', 'queued', 0)"
        )
        first_release.execute("""INSERT INTO requests (seq, request) VALUES (1, '{"prompt": "old"}')""")
        first_release.commit()

    restore(url, older)

    assert prompts() == ["old"]


def test_the_queue_is_no_backup_of_itself(url, copy, path, prompts):
    with pytest.raises(NotRestorable, match="own database"):
        restore(url, path)

    assert prompts() == ["new"]


def test_a_database_with_its_log_beside_it_is_restored_with_what_is_in_the_log(url, copy, tmp_path, prompts):
    other = tmp_path / "other"
    with closing(connect(f"sqlite:///{tmp_path}/theirs/queue.db", journal_mode="wal").open()) as theirs:
        theirs.enqueue(NewPrompt(request={"prompt": "in the log"}))
        other.mkdir()
        for each in (tmp_path / "theirs").glob("queue.db*"):
            shutil.copy(each, other)

    restore(url, other / "queue.db")

    assert prompts() == ["in the log"]


def test_the_new_file_has_the_rights_of_the_old_one(url, copy, path):
    path.chmod(0o640)

    restore(url, copy)

    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["_copy", "_check", "_copy_rights", "_complete", "_set_aside"])
def test_whatever_breaks_it_off_there_is_a_whole_queue(url, copy, prompts, monkeypatch, step):
    real = getattr(restoring, step)

    def die(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, step, die)
    with suppress(KeyboardInterrupt):
        restore(url, copy)
    monkeypatch.undo()

    assert prompts() == ["new"]
    restore(url, copy)
    assert prompts() == ["old"]


def test_of_two_who_restore_at_once_one_is_refused(url, copy, tmp_path):
    inside, refused = threading.Event(), []

    def hold(_done, _total):
        if not inside.is_set():
            inside.set()
            with pytest.raises(QueueInUse) as told:
                restore(url, copy)
            refused.append(told)

    restore(url, copy, progress=hold)

    assert len(refused) == 1


def test_what_was_in_hand_when_it_was_backed_up_runs_again(url, storage, opened, tmp_path):
    with opened() as queue:
        with storage.register(slots=1) as presence:
            queue.enqueue(NewPrompt(request={}))
            claim = queue.claim(Terms(worker=presence.id))
            storage.backup(tmp_path / "copy")
        queue.cancel(claim.prompt.id)

    restore(url, tmp_path / "copy")

    with opened() as queue:
        assert queue.recover().requeued == 1
        assert queue.get(claim.prompt.id).status == "queued"


def test_an_instance_that_is_closed_uses_nothing(url, opened, tmp_path):
    with opened(), pytest.raises(QueueInUse), usage.exclusive(tmp_path):
        pass

    with usage.exclusive(tmp_path):
        pass
