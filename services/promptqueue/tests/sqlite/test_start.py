"""Whatever a process finds at its start: it works, or it is told in one sentence what is wrong and what to do."""

import os
import re
import shutil
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect
from support.small_disk import mounted

NOBODY = 65_534
TOGETHER = 20
RELEASED = schema.known()

OPENERS = """
import os, sys
from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file import schema
from promptqueue.storage import connect

real, (all_there, end) = schema.migrations(), os.pipe()
for more in map(int, sys.argv[3]):
    if not os.fork():
        os.close(end)
        schema.migrations = lambda: real + [[f"CREATE TABLE later{n} (a)"] for n in range(more)]
        os.read(all_there, 1)
        try:
            queue = connect(sys.argv[1], journal_mode=sys.argv[2]).open()
            said = "works", queue.counts().queued, *queue._database.run("PRAGMA user_version")[0]
        except StorageUnavailable as unavailable:
            said = [unavailable]
        os.write(1, " ".join(map(str, [more, *said, "\\n"])).encode())
        os._exit(0)
os.close(end)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@pytest.fixture
def start_together(run):
    """Start processes that open the queue at the same moment; what each said that knows so many more migrations."""

    def start(*more):
        lines = run(OPENERS, "".join(map(str, more))).lines()
        assert len(lines) == len(more)
        return {number: [line[2:].strip() for line in lines if line.startswith(f"{number} ")] for number in more}

    return start


@pytest.fixture
def folder():
    """A folder that anybody may read; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk") as small:
        yield small


def is_one_sentence(text):
    return "\n" not in text and re.fullmatch(r"[A-Z].*[^.]\.", text) and ". " not in text


@contextmanager
def as_user(number):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


# ---- together -------------------------------------------------------------------------------------------------------


def test_on_an_empty_folder_all_that_start_together_work(start_together):
    assert start_together(*[0] * TOGETHER) == {0: [f"works 0 {RELEASED}"] * TOGETHER}


def test_on_an_old_database_all_work_and_find_what_it_holds(start_together, url, journal):
    with closing(connect(url, journal_mode=journal).open()) as queue:
        queue.enqueue(NewPrompt(request={}))

    assert start_together(*[2] * TOGETHER) == {2: [f"works 1 {RELEASED + 2}"] * TOGETHER}


def test_on_a_database_of_a_newer_version_all_are_refused_and_leave_it_as_it_is(start_together, url, tmp_path, journal):
    connect(url, journal_mode=journal).open().close()
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {RELEASED + 1}")
    before = (tmp_path / "queue.db").read_bytes()

    [sentence] = set(start_together(*[0] * TOGETHER)[0])

    assert is_one_sentence(sentence)
    assert "it was written by a newer version, so start that one, or restore a backup." in sentence
    assert (tmp_path / "queue.db").read_bytes() == before


def test_old_and_new_processes_that_start_together_on_an_empty_folder_work_or_are_told(start_together):
    said = start_together(*[0, 1] * (TOGETHER // 2))

    assert set(said[1]) == {f"works 0 {RELEASED + 1}"}
    assert all(each.startswith("works 0 ") or "a newer version" in each for each in said[0])


# ---- the wrong owner ------------------------------------------------------------------------------------------------


def test_a_database_of_another_owner_is_told_with_the_command_that_helps(folder):
    url = f"sqlite:///{folder}/queue.db"
    connect(url).open().close()

    with as_user(NOBODY), pytest.raises(StorageUnavailable) as refused:
        connect(url).open()

    assert is_one_sentence(str(refused.value))
    command = f"chown -R {NOBODY} {folder}"
    assert str(refused.value).endswith(f"belongs to user 0, so let user {NOBODY} have it and all beside it: {command}.")
    assert os.system(command) == 0
    with as_user(NOBODY):
        connect(url).open().close()


def test_a_file_of_another_owner_in_a_folder_of_ones_own_is_told(folder):
    url = f"sqlite:///{folder}/queue.db"
    with as_user(0):
        os.chown(folder, NOBODY, NOBODY)
    with as_user(NOBODY):
        connect(url).open().close()
    os.chown(folder / "queue.db", 0, 0)
    (folder / "queue.db").chmod(0o600)

    with as_user(NOBODY), pytest.raises(StorageUnavailable, match=f"{folder}/queue.db belongs to user 0, so let user"):
        connect(url).open()


def test_what_root_makes_beside_the_database_of_another_is_that_ones(folder):
    url = f"sqlite:///{folder}/queue.db"
    with as_user(0):
        os.chown(folder, NOBODY, NOBODY)
    with as_user(NOBODY):
        connect(url).open().close()
    for lock in folder.glob("*.lock"):
        lock.unlink()

    with closing(connect(url).open()) as by_root, as_user(NOBODY):
        with closing(connect(url).open()) as by_owner:
            by_owner.pause(True)
        paused = by_root.counts().paused

    assert paused


# ---- the disk -------------------------------------------------------------------------------------------------------


def test_a_queue_begins_on_a_full_disk_as_soon_as_there_is_room(disk, journal):
    disk.fill()
    url = f"sqlite:///{disk.path}/queue.db"

    with pytest.raises(StorageUnavailable) as refused:
        connect(url, journal_mode=journal).open()
    disk.make_room()

    assert is_one_sentence(str(refused.value))
    assert str(refused.value).endswith("; its disk is full, so make room there; everything then goes on by itself.")
    with closing(connect(url, journal_mode=journal).open()) as queue:
        assert queue.enqueue(NewPrompt(request={}))


def test_a_queue_on_a_disk_that_is_full_by_now_loses_nothing(disk, journal):
    url = f"sqlite:///{disk.path}/queue.db"
    with closing(connect(url, journal_mode=journal).open()) as queue:
        queue.enqueue(NewPrompt(request={"prompt": "accepted"}))
    disk.fill()

    refusals = []
    try:
        with closing(connect(url, journal_mode=journal).open()) as queue:
            queue.enqueue(NewPrompt(request={"prompt": "x" * 100_000}))
    except StorageUnavailable as unavailable:
        refusals.append(str(unavailable))
    disk.make_room()

    [sentence] = refusals
    assert is_one_sentence(sentence)
    assert "its disk is full, so make room there" in sentence
    with closing(connect(url, journal_mode=journal).open()) as queue:
        assert [queue.request(prompt.id) for prompt in queue.newest().prompts] == [{"prompt": "accepted"}]


def test_a_disk_that_is_read_only_is_told_and_passes(disk, journal):
    url = f"sqlite:///{disk.path}/queue.db"
    with closing(connect(url, journal_mode=journal).open()) as queue:
        queue.enqueue(NewPrompt(request={}))
    disk.remount("ro")

    with pytest.raises(StorageUnavailable) as refused:
        connect(url, journal_mode=journal).open()
    disk.remount("rw")

    assert is_one_sentence(str(refused.value))
    assert "; its disk is mounted read-only, so mount it writable; everything then goes on by itself." in str(
        refused.value
    )
    with closing(connect(url, journal_mode=journal).open()) as queue:
        assert queue.counts().queued == 1


# ---- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "advice"),
    [
        ("another file", "name another file in DATABASE_URL, or put a backup in its place: "),
        ("a damaged first page", "it is damaged, so stop everything and put a backup in its place: "),
        ("cut short", "it is damaged, so stop everything and put a backup in its place: "),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_command_that_helps(url, journal, tmp_path, damage, advice):
    path = tmp_path / "queue.db"
    connect(url, journal_mode=journal).open().close()
    match damage:
        case "another file":
            path.write_bytes(b"my diary, volume one\n" * 1_000)
        case "a damaged first page":
            path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4_096 + path.read_bytes()[4_196:])
        case "cut short":
            path.write_bytes(path.read_bytes()[: 4096 * 2])
    before = path.read_bytes()

    with pytest.raises(StorageUnavailable) as refused:
        connect(url, journal_mode=journal).open().counts()

    assert is_one_sentence(str(refused.value))
    assert str(refused.value).endswith(f"; {advice}python -m promptqueue restore FILE.")
    assert path.read_bytes() == before


def test_a_database_that_is_locked_by_a_stranger_is_told(open_queue, queue, tmp_path):
    impatient = open_queue(lock_timeout=0.05)
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageUnavailable, match=r"; another program keeps it locked, so let that one finish\.$"):
            impatient.pause(True)
