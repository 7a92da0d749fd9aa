"""The journal mode: which one, and how a file is converted at the start."""

import logging

import pytest
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file.engine import journal_mode, sqlite3
from promptqueue.storage import connect

TRUSTED = {
    "wal": ["3.44.6", "3.44.7", "3.50.7", "3.50.8", "3.51.3", "3.52.0", "3.53.4", "4.0.0"],
    "persist": ["3.31.1", "3.40.1", "3.44.5", "3.45.0", "3.46.1", "3.49.9", "3.50.6", "3.51.0", "3.51.2"],
}


@pytest.mark.parametrize(("version", "mode"), [(version, mode) for mode in TRUSTED for version in TRUSTED[mode]])
def test_a_log_is_used_only_where_sqlite_can_be_trusted_with_it(version, mode):
    assert journal_mode("auto", tuple(map(int, version.split(".")))) == mode


@pytest.mark.parametrize("wanted", ["wal", "persist"])
def test_what_was_asked_for_overrules(wanted):
    assert journal_mode(wanted, (3, 31, 1)) == journal_mode(wanted, (3, 53, 4)) == wanted


def test_by_default_the_linked_version_decides(url):
    storage = connect(url)
    queue = storage.open()

    told = storage.describe()

    queue.close()
    assert told["journal_mode"] == journal_mode("auto", sqlite3.sqlite_version_info)


@pytest.mark.parametrize(("before", "after"), [("wal", "persist"), ("persist", "wal")])
def test_a_file_is_converted_at_the_start_and_keeps_what_it_holds(url, caplog, before, after):
    queue = connect(url, journal_mode=before).open()
    [accepted] = queue.enqueue(NewPrompt(request={"prompt": "keep me"}))
    queue.close()

    storage = connect(url, journal_mode=after)
    converted = storage.open()
    request, told = converted.request(accepted.prompt.id), storage.describe()["journal_mode"]
    converted.close()

    assert (request, told) == ({"prompt": "keep me"}, after)
    assert caplog.records == []


def test_after_conversion_no_log_is_left_beside_the_file(url, tmp_path):
    connect(url, journal_mode="wal").open().close()

    connect(url, journal_mode="persist").open().close()

    assert not (tmp_path / "queue.db-wal").exists()


def test_a_log_in_use_is_kept_and_told(url, caplog):
    using = connect(url, journal_mode="wal").open()
    using.enqueue(NewPrompt(request={}))

    with caplog.at_level(logging.WARNING, logger="promptqueue"):
        storage = connect(url, journal_mode="persist")
        other = storage.open()

    assert storage.describe()["journal_mode"] == "wal"
    assert other.counts().queued == 1
    assert [record.getMessage() for record in caplog.records] == [
        "journal mode stays journal_mode=wal wanted=persist reason=in_use"
    ]
    using.close()
    other.close()


def test_whoever_has_the_file_open_goes_on_when_another_introduces_a_log(url):
    using = connect(url, journal_mode="persist").open()
    using.enqueue(NewPrompt(request={}))

    other = connect(url, journal_mode="wal").open()
    using.enqueue(NewPrompt(request={}))
    other.enqueue(NewPrompt(request={}))

    assert (using.counts().queued, other.counts().queued) == (3, 3)
    using.close()
    other.close()


def test_a_mode_that_another_process_changed_is_told(url):
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
