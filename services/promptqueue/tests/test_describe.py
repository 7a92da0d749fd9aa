from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect


def test_the_storage_is_told_in_words(queue, storage, journal):
    assert storage.describe() == {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": journal}


def test_a_journal_mode_that_another_process_changed_is_told(tmp_path):
    url = f"sqlite:///{tmp_path}/queue.db"
    storage = connect(url, journal_mode="persist")
    queue = storage.open()
    before = storage.describe()["journal_mode"], storage.reads_wait
    converting = connect(url, journal_mode="wal").open()

    queue.ping()

    converting.close()
    queue.close()
    assert before == ("persist", True)
    assert (storage.describe()["journal_mode"], storage.reads_wait) == ("wal", False)


def test_what_was_not_opened_yet_is_told_as_far_as_it_is_known(url):
    storage = connect(url)

    assert storage.describe() == {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": "not known yet"}
    assert storage.reads_wait
