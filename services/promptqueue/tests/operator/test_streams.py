"""backup - and restore -: a copy over standard output and input, byte for byte, or nothing at all."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from promptqueue.operator.copies import streams
from promptqueue.storage import connect


@pytest.fixture
def typed(environ):
    """Start a command as a process of its own, whose standard files are given."""

    def start(line, **files):
        command = [sys.executable, "-m", "promptqueue", *shlex.split(line)]
        return subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE, **files)

    return start


@pytest.fixture
def leftovers(tmp_path):
    return lambda: [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_a_copy_goes_out_and_comes_in_again_byte_for_byte(typed, queue, ask, tmp_path, leftovers):
    texts = ["old", "\r\n\x1a" * 500_000]
    for text in texts:
        ask(text)
    copy, elsewhere = tmp_path / "copy", f"sqlite:///{tmp_path}/elsewhere/queue.db"

    with copy.open("wb") as out:
        backup = typed("backup -", stdout=out)
        told = backup.communicate(timeout=60)[1].decode()
    with copy.open("rb") as into:
        restored = typed(f"restore - --json --database-url {elsewhere}", stdin=into, stdout=subprocess.PIPE)
        answer = restored.communicate(timeout=60)[0].decode()

    assert (backup.returncode, restored.returncode) == (0, 0)
    assert told.startswith("Copied to standard output: ")
    assert '"queued": 2' in answer
    other = connect(elsewhere).open()
    assert [other.request(prompt.id)["prompt"] for prompt in other.newest().prompts] == texts[::-1]
    other.close()
    assert leftovers() == []


def test_with_json_the_document_is_told_beside_the_copy(typed, queue, ask, tmp_path):
    ask()

    out, told = typed("backup - --json", stdout=subprocess.PIPE).communicate(timeout=60)

    assert out.startswith(b"SQLite format 3\0")
    assert f'"bytes": {len(out)}'.encode() in told


def test_what_is_refused_sends_nothing(typed, tmp_path):
    missing = f"sqlite:///{tmp_path}/nowhere/queue.db"

    refused = typed(f"backup - --json --database-url {missing}", stdout=subprocess.PIPE)
    out, told = refused.communicate(timeout=60)

    assert (refused.returncode, out) == (1, b"")
    assert b'"code": "no_queue"' in told


@pytest.mark.parametrize(("line", "advice"), [("backup -", "> queue.backup"), ("restore -", "< queue.backup")])
def test_no_copy_is_shown_on_a_terminal_or_typed_at_one(on_terminal, queue, line, advice):
    queue.close()

    said, code = on_terminal(line)

    assert code == 2
    assert advice in said
    assert "SQLite format" not in said


def test_whoever_takes_no_more_is_told_that_the_copy_is_not_whole(typed, queue, ask, leftovers):
    ask("x" * 3_000_000)

    backup = typed("backup -", stdout=subprocess.PIPE)
    backup.stdout.read(100_000)
    backup.stdout.close()
    told = backup.stderr.read().decode()

    assert backup.wait(60) == 1
    assert told.startswith("Error: Standard output took ")
    assert told.endswith("what came of the backup is not whole, so throw it away.\n")
    assert len(told.splitlines()) == 1
    assert leftovers() == []


def test_a_copy_that_came_in_part_changes_nothing(typed, queue, ask, tmp_path):
    ask("x" * 1_000_000)
    whole = typed("backup -", stdout=subprocess.PIPE).communicate(timeout=60)[0]
    ask()
    queue.close()

    restore = typed("restore -", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    told = restore.communicate(whole[:-100_000], timeout=60)[1].decode()

    assert restore.returncode == 1
    assert told.startswith("Error: What came cannot take the place of the queue's database: it is damaged: ")
    again = connect(f"sqlite:///{tmp_path}/queue.db").open()
    assert again.counts().queued == 2
    again.close()


def test_what_a_killed_backup_left_goes_with_the_next_and_a_living_ones_stays(tmp_path):
    left = tmp_path / f"{streams.PREFIX}killed"
    left.mkdir()
    (left / "copy").write_bytes(b"x" * 1_000)

    with streams.temporary_copy(tmp_path) as one, streams.temporary_copy(tmp_path) as other:
        assert one.parent != other.parent
        assert {each for each in tmp_path.iterdir() if each.is_dir()} == {one.parent, other.parent}

    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_is_ended_leaves_nothing(typed, queue, ask, tmp_path, eventually):
    ask("x" * 3_000_000)
    backup = typed("backup -", stdout=subprocess.PIPE)
    eventually(lambda: list(Path(tmp_path).glob(f"{streams.PREFIX}*/copy")))  # sending, to nobody who reads

    backup.terminate()
    backup.communicate(timeout=60)

    assert backup.returncode == 128 + 15
    assert list(tmp_path.glob(f"{streams.PREFIX}*")) == []
