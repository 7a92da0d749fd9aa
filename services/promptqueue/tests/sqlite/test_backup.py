"""A backup is one whole, checked file of one moment, made while everybody goes on."""

import os
import re
from contextlib import closing

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.copies import backup
from promptqueue.sqlite.errors import FileInTheWay
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect
from support.small_disk import mounted


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "copies" / "queue.backup"


@pytest.fixture(autouse=True)
def folder(copy):
    copy.parent.mkdir()
    return copy.parent


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(backup, "PAGES_AT_ONCE", 4)


def read(file, statement):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchall()


def test_a_backup_holds_every_prompt_and_its_texts_but_none_that_was_deleted(
    queue, storage, begin, ask, answered, copy
):
    finished, waiting = queue.finish(begin(text="Why?"), answered).id, ask("How?")
    queue.delete(ask("SECRET text"))

    storage.backup(copy)

    assert b"SECRET" not in copy.read_bytes()
    with closing(connect(f"sqlite:///{copy}").open()) as copied:
        assert copied.get(finished).outcome == "succeeded"
        assert copied.answer(finished) == answered.record
        assert copied.request(waiting) == {"prompt": "How?"}
        assert copied.counts().queued == 1


def test_a_backup_is_one_file_that_needs_no_other_for_its_owner_alone(queue, storage, ask, copy, folder):
    ask()

    storage.backup(copy)

    assert list(folder.iterdir()) == [copy]
    assert read(copy, "PRAGMA journal_mode") == [("delete",)]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_others_go_on_meanwhile_and_the_copy_is_of_one_moment(queue, storage, another, ask, copy, small_steps, journal):
    for n in range(40):
        ask("x" * 3_000 + str(n))
    added = []

    def add(_done, _total):
        if len(added) < 30:  # under a rollback journal it begins anew each time
            added.extend(one.prompt.id for one in another.enqueue(NewPrompt(request={"prompt": "y" * 3_000})))

    storage.backup(copy, progress=add)
    ask()
    storage.tidy()
    another.pause(True)

    [[prompts]], [[texts]] = (read(copy, f"SELECT count(*) FROM {table}") for table in ("prompts", "requests"))
    assert prompts == texts
    assert prompts == 40 if journal == "wal" else 40 <= prompts <= 70
    assert (queue.counts().queued, queue.counts().paused) == (41 + len(added), True)
    assert read(copy, "PRAGMA integrity_check") == [("ok",)]


def test_a_backup_comes_to_its_end_though_somebody_writes_between_all_steps(
    queue, storage, another, ask, copy, small_steps
):
    for n in range(100):
        ask("x" * 3_000 + str(n))
    written = []

    def write(_done, _total):
        assert len(written) < 200
        another.pause(len(written) % 2 == 0)
        written.append(1)

    storage.backup(copy, progress=write)

    assert read(copy, "SELECT count(*) FROM prompts") == [(100,)]


def test_progress_is_told_to_the_last_page(queue, storage, ask, copy, small_steps):
    ask("x" * 100_000)
    heard = []

    storage.backup(copy, progress=lambda done, total: heard.append((done, total)))

    assert len(heard) > 5
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


def test_a_file_that_exists_is_kept_unless_told(queue, storage, copy, folder):
    copy.write_text("precious")

    with pytest.raises(FileInTheWay) as refused:
        storage.backup(copy)
    kept = copy.read_text()
    storage.backup(copy, overwrite=True)

    assert kept == "precious"
    assert str(refused.value).startswith(f"{copy} exists already")
    assert read(copy, "PRAGMA user_version") != [(0,)]
    assert list(folder.iterdir()) == [copy]


def test_the_queue_itself_is_never_overwritten(queue, storage, ask, tmp_path):
    ask()
    (tmp_path / "link").symlink_to(tmp_path / "queue.db")

    (tmp_path / "queue.db-wal").touch()  # which a rollback journal has none of
    for name in ("queue.db", "link", "copies/../queue.db", "queue.db-wal", "turn.lock"):
        with pytest.raises(FileInTheWay, match="of the queue's own"):
            storage.backup(tmp_path / name, overwrite=True)

    assert queue.counts().queued == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing/copy", "there is no folder {}/missing, so make it or name another."),
        ("file/below/copy", "{}/file is a file and no folder, so name another."),
    ],
)
def test_a_folder_that_is_none_is_told(queue, storage, folder, name, told):
    (folder / "file").touch()

    with pytest.raises(StorageUnavailable) as refused:
        storage.backup(folder / name)

    assert str(refused.value) == f"The backup {folder}/{name} cannot be used: {told.format(folder)}"


def test_a_disk_that_has_no_room_for_the_copy_is_told_and_left_as_it_was(queue, storage, ask, tmp_path):
    ask("x" * 3_000_000)

    with mounted(tmp_path / "disk", size="2m") as disk:
        with pytest.raises(StorageUnavailable) as refused:
            storage.backup(disk.path / "copy")
        left = list(disk.path.iterdir())

    assert re.fullmatch(
        rf"The backup {tmp_path}/disk/copy would need \d\.\d MB, and its disk has 2\.\d MB free: "
        r"make room there, or let the copy go to another disk\.",
        str(refused.value),
    )
    assert left == []
    assert queue.counts().queued == 1


def test_room_for_what_is_left_without_unused_pages_is_needed_as_well(queue, storage, ask, tmp_path):
    kept, erased = ask("x" * 1_500_000), ask("x" * 1_500_000)
    queue.delete(erased)
    assert queue.request(kept)

    with mounted(tmp_path / "disk", size="4m") as disk, pytest.raises(StorageUnavailable, match=r"would need 4\.\d MB"):
        storage.backup(disk.path / "copy")


def test_a_disk_that_fills_while_the_copy_is_made_is_told_and_left_as_it_was(
    queue, storage, ask, tmp_path, small_steps
):
    ask("x" * 3_000_000)

    with mounted(tmp_path / "disk", size="5m") as disk:
        with pytest.raises(StorageUnavailable) as refused:
            storage.backup(disk.path / "copy", progress=lambda *_: (disk.path / "filling").exists() or disk.fill())
        disk.make_room()
        left = list(disk.path.iterdir())

    assert str(refused.value).startswith(f"The backup {tmp_path}/disk/copy cannot be used: ")
    assert "its disk is full, so make room there" in str(refused.value)
    assert left == []
    assert queue.counts().queued == 1


def test_a_backup_that_was_broken_off_leaves_nothing(queue, storage, ask, copy, folder, small_steps):
    ask("x" * 100_000)

    def break_off(done, _total):
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.backup(copy, progress=break_off)

    assert list(folder.iterdir()) == []
    ask()
    assert queue.counts().queued == 2


def test_a_damaged_queue_gives_no_backup(queue, storage, ask, open_queue, tmp_path, copy, folder):
    for n in range(200):
        ask(f"{n} " * 300)
    storage.tidy()
    with (tmp_path / "queue.db").open("r+b") as file:
        file.seek(-4096 * 20, os.SEEK_END)
        file.write(b"\xff" * 4096 * 10)

    with pytest.raises(StorageUnavailable, match="is damaged, so nothing was copied"):
        storage.backup(copy)

    assert list(folder.iterdir()) == []


def test_room_that_erased_texts_left_is_not_copied(queue, storage, ask, tmp_path):
    kept, gone = ask("kept"), [ask("x" * 100_000) for _ in range(20)]
    for prompt_id in gone:
        queue.delete(prompt_id)

    storage.backup(tmp_path / "copy.db")

    assert queue.room().spare_bytes > 1_500_000
    assert (tmp_path / "copy.db").stat().st_size < 500_000
    assert not list(tmp_path.glob(".copy*"))
    copy = connect(f"sqlite:///{tmp_path}/copy.db", journal_mode="persist").open()
    assert copy.request(kept) == {"prompt": "kept"}
    copy.close()
