"""Whatever a process finds at its start: it works, or it is told in one sentence what is wrong and what to do."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect

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


def is_one_sentence(text):
    return "\n" not in text and re.fullmatch(r"[A-Z].*[^.]\.", text) and ". " not in text


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


# ---- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "advice"),
    [
        ("another file", "name another file in DATABASE_URL, or put a backup in its place: "),
        ("a damaged first page", "it is damaged, so stop everything and put a backup in its place: "),
        ("damaged behind it", "it is damaged, so stop everything and put a backup in its place: "),
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
        case "damaged behind it":
            path.write_bytes(path.read_bytes()[:4_096] + b"\xff" * (len(path.read_bytes()) - 4_096))
        case "cut short":
            path.write_bytes(path.read_bytes()[: 4096 * 2])
    before = path.read_bytes()

    with pytest.raises(StorageUnavailable) as refused:
        connect(url, journal_mode=journal).open().counts()

    assert is_one_sentence(str(refused.value))
    assert str(refused.value).endswith(f"; {advice}python -m promptqueue restore FILE.")
    assert path.read_bytes() == before


def test_a_database_that_was_moved_away_from_its_log_is_not_made_anew(url, tmp_path):
    path = Path(url.removeprefix("sqlite:///"))
    running = connect(url, journal_mode="wal").open()
    running.enqueue(NewPrompt(request={"prompt": "Why?"}))
    path.rename(path.with_name("elsewhere"))

    with pytest.raises(StorageUnavailable, match=r"it is not there, but its log queue.db-wal is"):
        connect(url).open()

    path.with_name("elsewhere").rename(path)
    with closing(connect(url).open()) as another:
        assert another.counts().queued == 1
    running.close()


@pytest.mark.parametrize("version", [0, 3])
def test_the_database_of_another_program_is_left_as_it_is(tmp_path, version):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE birds (name)")
        theirs.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()

    with pytest.raises(StorageUnavailable, match="is the database of another program"):
        connect(f"sqlite:///{path}").open()

    assert path.read_bytes() == before
