import time

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.storage import connect


@pytest.fixture
def journal_file(tmp_path, journal):
    return tmp_path / {"wal": "queue.db-wal", "persist": "queue.db-journal"}[journal]


def size(path):
    return path.stat().st_size if path.exists() else 0


def test_the_journal_is_emptied(queue, storage, ask, journal_file):
    ask("x" * 100_000)
    before = size(journal_file)

    storage.tidy()

    assert before > 0
    assert size(journal_file) == 0


def test_nothing_is_lost(queue, storage, ask, another):
    ids = [ask(f"text {n}") for n in range(5)]

    storage.tidy()
    after = ask("after")

    assert [another.request(prompt_id)["prompt"] for prompt_id in ids] == [f"text {n}" for n in range(5)]
    assert another.position(after) == 6


def test_others_go_on_as_before(queue, storage, another, ask, terms, answered):
    ask()
    claim = another.claim(terms)

    storage.tidy()
    another.finish(claim, answered)
    storage.tidy()

    assert queue.answer(claim.prompt.id) == answered.record


def test_the_journal_mode_stays(queue, storage, ask, journal):
    ask()

    storage.tidy()

    assert storage.describe()["journal_mode"] == journal


def test_with_nothing_to_do_it_can_be_asked_again_and_again(queue, storage, ask, journal_file):
    ask()

    for _ in range(3):
        storage.tidy()

    assert size(journal_file) == 0


def test_whoever_reads_for_long_is_not_waited_for(queue, storage, another, ask):
    ask()
    another._database.run("BEGIN")
    another.counts()
    ask() if storage.describe()["journal_mode"] == "wal" else None  # elsewhere a commit itself waits for readers

    started = time.monotonic()
    storage.tidy()

    assert time.monotonic() - started < 2  # a writer may wait for five


def test_it_takes_its_turn_among_writers(queue, url):
    with queue.transaction(), pytest.raises(StorageUnavailable):
        connect(url, journal_mode="keep", lock_timeout=0.05).tidy()


def test_it_bounds_a_log_that_another_process_introduced(tmp_path, clock):
    url = f"sqlite:///{tmp_path}/queue.db"
    old = connect(url, journal_mode="persist", clock=clock).open()
    into = connect(url, journal_mode="wal", clock=clock)
    converting = into.open()
    converting.pause(True)
    before = size(tmp_path / "queue.db-wal")

    old._database.journal.empty()

    assert before > 0
    assert size(tmp_path / "queue.db-wal") == 0
    assert into.describe()["journal_mode"] == "wal"
    converting.close()
    old.close()
