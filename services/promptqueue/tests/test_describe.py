from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect


def test_the_storage_is_told_in_words(queue, journal):
    assert queue.describe() == {"kind": "sqlite", "version": sqlite3.sqlite_version, "journal_mode": journal}


def test_a_journal_mode_that_another_process_changed_is_told(tmp_path):
    url = f"sqlite:///{tmp_path}/queue.db"
    first = connect(url, journal_mode="persist")
    second = connect(url, journal_mode="wal")

    modes = [first.describe()["journal_mode"], second.describe()["journal_mode"]]

    first.close()
    second.close()
    assert modes == ["wal", "wal"]
