"""compact: room that erased texts left goes back to the disk, while everybody goes on."""

import os
from contextlib import closing

import pytest
from promptqueue.errors import StorageFull, StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect

TEXT = 200_000


@pytest.fixture
def length(tmp_path):
    return lambda: (tmp_path / "queue.db").stat().st_size


@pytest.fixture
def fill(ask):
    """Accept prompts of 200 KB each; their ids."""
    return lambda number: [ask(f"{n}" * TEXT) for n in range(number)]


@pytest.fixture
def old(url, clock):
    """The database as an older version made it, with 12 prompts of which two are left; its length."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        connection.execute("CREATE TABLE prompts (n)")
        connection.execute("DROP TABLE prompts")
    queue = connect(url, journal_mode="persist", clock=clock).open()
    accepted = queue.enqueue(*[NewPrompt(request={"prompt": f"{n}" * TEXT}) for n in range(10, 22)])
    for each in accepted[:-2]:
        queue.delete(each.prompt.id)
    queue.close()
    return [each.prompt.id for each in accepted[-2:]]


def compact_all(queue, step=None):
    """Call until nothing is left; what each step gave."""
    steps = list(iter(step or queue.compact, 0))
    queue._database.journal.empty()
    return steps


def test_a_new_database_gives_back_all_that_was_erased_in_small_steps(queue, storage, ask, fill, length):
    kept, gone = ask("kept"), fill(20)
    storage.tidy()
    full = length()
    for prompt_id in gone:
        queue.delete(prompt_id)
    spare = queue.room().spare_bytes

    steps = compact_all(queue)

    assert sum(steps) >= spare > 15 * TEXT  # pages that only said where others lie go as well
    assert queue.room().spare_bytes == 0
    assert length() == full - sum(steps) == queue.room().stored_bytes
    assert queue.request(kept) == {"prompt": "kept"}


def test_one_step_ends_when_its_time_is_over(queue, fill, clock, monkeypatch):
    for prompt_id in fill(10):
        queue.delete(prompt_id)
    monkeypatch.setattr("promptqueue.sqlite.verbs.retention.STEP_SECONDS", 0)

    step = queue.compact()

    assert 0 < step <= 17 * 4096


def test_others_read_and_write_between_the_steps_and_lose_nothing(queue, open_queue, fill, answered, terms):
    other, kept = open_queue(), []
    gone = fill(12)
    for prompt_id in gone[:-1]:
        queue.delete(prompt_id)

    while queue.compact():
        kept += [each.prompt.id for each in other.enqueue(NewPrompt(request={"prompt": "between"}))]
        assert other.counts().queued == len(kept) + 1

    assert other.request(gone[-1]) == {"prompt": "11" * TEXT}
    assert other.claim(terms).prompt.id == gone[-1]
    assert all(other.request(prompt_id) == {"prompt": "between"} for prompt_id in kept)
    assert other._database.run("PRAGMA integrity_check")[0][0] == "ok"


def test_nothing_is_written_where_nothing_can_be_given_back(queue, another, ask):
    ask()
    compact_all(queue)
    version = another._database.run("PRAGMA data_version")[0][0]

    assert queue.compact() == 0
    assert another._database.run("PRAGMA data_version")[0][0] == version


def test_a_file_of_an_older_version_is_left_alone_unless_it_is_to_be_rewritten(old, queue, length):
    before = length()

    assert not queue.room().in_steps
    assert queue.compact() == 0
    assert length() == before


def test_a_file_of_an_older_version_is_rewritten_once_and_goes_on_in_steps(
    old, queue, storage, open_queue, length, ask
):
    other = open_queue()
    before = length()
    assert other.counts().queued == 2

    steps = compact_all(queue, storage.rewrite)

    assert len(steps) == 1
    assert length() == before - steps[0] < before / 2
    assert queue.room().in_steps
    assert [len(other.request(prompt_id)["prompt"]) for prompt_id in old] == [2 * TEXT] * 2
    assert other._database.run("PRAGMA integrity_check")[0][0] == "ok"
    ask("after")
    other.delete(old[0])
    assert sum(compact_all(other)) > TEXT
    assert queue.counts().queued == 2


def test_what_was_rewritten_leaves_nothing_beside_the_queue(old, queue, storage, tmp_path):
    storage.rewrite()

    assert not list(tmp_path.glob(".*"))


def test_a_rewrite_without_room_is_refused_and_changes_nothing(old, queue, storage, length, monkeypatch):
    before, disk = length(), os.statvfs("/")
    little = os.statvfs_result((disk.f_bsize, disk.f_bsize, *([10] * 3), *disk[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: little)

    with pytest.raises(StorageFull, match=r"takes [23]\.\d MB for a while, and its disk has 0\.0 MB free"):
        storage.rewrite()

    assert length() == before


def test_a_rewrite_that_somebody_keeps_from_ending_gives_up_and_changes_nothing(
    open_storage, old, queue, journal, url, monkeypatch
):
    if journal == "wal":
        pytest.skip("with a log nobody keeps it from ending")
    monkeypatch.setattr("promptqueue.sqlite.copies.rewrite.PATIENCE", 0.1)

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN")
        stranger.execute("SELECT * FROM prompts").fetchall()
        with pytest.raises(StorageUnavailable, match="Another program reads"):
            open_storage(lock_timeout=0.05).rewrite()

    assert not queue.room().in_steps
    assert queue.counts().queued == 2
