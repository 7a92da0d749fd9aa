import time

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.storage import connect


@pytest.fixture
def journal_file(tmp_path, journal):
    return tmp_path / {"wal": "queue.db-wal", "persist": "queue.db-journal"}[journal]


def size(path):
    return path.stat().st_size if path.exists() else 0


def test_the_journal_is_emptied(queue, ask, journal_file):
    ask("x" * 100_000)
    before = size(journal_file)

    queue.checkpoint()

    assert before > 0
    assert size(journal_file) == 0


def test_nothing_is_lost(queue, ask, another):
    ids = [ask(f"text {n}") for n in range(5)]

    queue.checkpoint()
    after = ask("after")

    assert [another.request(prompt_id)["prompt"] for prompt_id in ids] == [f"text {n}" for n in range(5)]
    assert another.position(after) == 6


def test_others_go_on_as_before(queue, another, ask, terms, answered):
    ask()
    claim = another.claim(terms)

    queue.checkpoint()
    another.finish(claim, answered)
    queue.checkpoint()

    assert queue.answer(claim.prompt.id) == answered.record


def test_the_journal_mode_stays(queue, ask, journal):
    ask()

    queue.checkpoint()

    assert queue.describe()["journal_mode"] == journal


def test_with_nothing_to_do_it_can_be_asked_again_and_again(queue, ask, journal_file):
    ask()

    for _ in range(3):
        queue.checkpoint()

    assert size(journal_file) == 0


def test_whoever_reads_for_long_is_not_waited_for(queue, another, ask):
    ask()
    another._database.run("BEGIN")
    another.counts()
    ask() if queue.describe()["journal_mode"] == "wal" else None  # elsewhere a commit itself waits for readers

    started = time.monotonic()
    queue.checkpoint()

    assert time.monotonic() - started < 2  # a writer may wait for five


def test_a_commit_survives_a_checkpoint_and_kill_9(queue, run):
    program = """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import NewPrompt

queue = connect(sys.argv[1], journal_mode=sys.argv[2])
first = queue.enqueue(NewPrompt(request={"prompt": "before"}))[0].prompt.id
queue.checkpoint()
second = queue.enqueue(NewPrompt(request={"prompt": "after"}))[0].prompt.id
print(first, second, flush=True)
sys.stdin.read()
"""
    working = run(program)
    ids = working.read().split()

    working.kill()

    assert [queue.request(prompt_id)["prompt"] for prompt_id in ids] == ["before", "after"]


def test_it_takes_its_turn_among_writers(queue, another):
    with queue.transaction(), pytest.raises(StorageUnavailable):
        another.checkpoint()


def test_it_bounds_a_log_that_another_process_introduced(tmp_path, clock):
    url = f"sqlite:///{tmp_path}/queue.db"
    old, converting = connect(url, journal_mode="persist", clock=clock), None
    converting = connect(url, journal_mode="wal", clock=clock)
    converting.pause(True)
    before = size(tmp_path / "queue.db-wal")

    old.checkpoint()

    assert before > 0
    assert size(tmp_path / "queue.db-wal") == 0
    assert old.describe()["journal_mode"] == converting.describe()["journal_mode"] == "wal"
    converting.close()
    old.close()
