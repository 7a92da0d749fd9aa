"""tidy: the journal is bounded."""

import time

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.storage import connect


@pytest.fixture
def journal_file(tmp_path, journal):
    return tmp_path / {"wal": "queue.db-wal", "persist": "queue.db-journal"}[journal]


def size(path):
    return path.stat().st_size if path.exists() else 0


def test_the_journal_is_emptied_stays_so_and_keeps_its_mode(queue, storage, ask, journal, journal_file):
    ask("x" * 100_000)
    before = size(journal_file)
    after = []

    for _ in range(3):
        storage.tidy()
        after.append(size(journal_file))

    assert before > 0
    assert after == [0, 0, 0]
    assert storage.describe()["journal_mode"] == journal


def test_whoever_reads_for_long_is_not_waited_for(queue, storage, another, ask, journal):
    ask()
    another._database.run("BEGIN")
    another.counts()
    ask() if journal == "wal" else None  # elsewhere a commit itself waits for readers

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
