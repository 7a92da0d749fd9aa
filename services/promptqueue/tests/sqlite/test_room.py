"""Submissions are bounded by what is stored and by what the disk must keep free; everything else goes on."""

import os

import pytest
from promptqueue.errors import StorageFull, StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect
from support.small_disk import mounted

MB = 1_000_000
KEPT = 8 * MB  # of the small disk


def asked(size=100_000, **values):
    return NewPrompt(request={"prompt": "x" * size}, **values)


@pytest.fixture
def crowded(tmp_path, journal):
    """A queue on a disk of 24 MB, which only root can mount, a few large prompts from its reserve; and the disk."""
    with mounted(tmp_path / "disk", size="24m") as disk:
        queue = connect(f"sqlite:///{disk.path}/queue.db", journal_mode=journal).open()
        for _ in range(8):
            queue.enqueue(asked(MB))
        queue._database.journal.empty()
        yield queue, disk
        queue.close()


def fill(queue, accept):
    """Submit until it is refused; how often it was accepted."""
    for number in range(10_000):
        try:
            accept(queue)
        except StorageFull:
            return number
    raise AssertionError("never full")


def test_no_more_is_stored_than_may_be(queue):
    accepted = fill(queue, lambda queue: queue.enqueue(asked(), max_stored_bytes=MB))

    assert 7 <= accepted <= 9
    assert queue.room().stored_bytes <= MB
    with pytest.raises(StorageFull, match=r"The queue stores (0\.9|1\.0) MB, and 1\.0 MB is the most it may: delete"):
        queue.enqueue(asked(), max_stored_bytes=MB)


def test_what_a_transaction_has_stored_so_far_counts(queue):
    with pytest.raises(StorageFull):
        queue.enqueue(*[asked() for _ in range(20)], max_stored_bytes=MB)
    with queue.transaction():
        accepted = fill(queue, lambda queue: queue.enqueue(asked(), max_stored_bytes=MB))

    assert 7 <= accepted <= 9
    assert queue.counts().queued == accepted


def test_what_was_deleted_makes_room_at_once(queue):
    first = queue.enqueue(asked(), max_stored_bytes=MB)[0].prompt.id
    fill(queue, lambda queue: queue.enqueue(asked(), max_stored_bytes=MB))

    queue.delete(first)

    queue.enqueue(asked(), max_stored_bytes=MB)


def test_the_disk_keeps_what_it_must_and_says_so(queue):
    with pytest.raises(StorageFull, match=r"The queue's disk has .* free, of which .* are kept for finishing"):
        queue.enqueue(asked(), min_free_bytes=2**60)

    assert queue.counts().queued == 0


WAYS = {
    "one large": lambda queue: queue.enqueue(asked(MB), min_free_bytes=KEPT),
    "one small": lambda queue: queue.enqueue(asked(3_000), min_free_bytes=KEPT),
    "several at once": lambda queue: queue.enqueue(*[asked(300_000) for _ in range(8)], min_free_bytes=KEPT),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reading", [False, True], ids=["", "while somebody reads on"])
def test_submissions_never_touch_the_reserve_of_the_disk(crowded, journal, way, reading):
    if reading and journal != "wal":
        pytest.skip("a rollback journal does not grow with what somebody reads")
    queue, disk = crowded
    reader = connect(f"sqlite:///{disk.path}/queue.db", journal_mode=journal).open()
    left = [disk.free()]

    if reading:  # the log can then not be emptied, and grows
        reader._database.run("BEGIN")
        reader.counts()
    accepted = fill(queue, lambda queue: (WAYS[way](queue), left.append(disk.free())))
    if reading:
        reader._database.run("ROLLBACK")
    queue._database.journal.empty()

    assert min(*left, disk.free()) >= KEPT
    assert accepted > 0
    reader.close()


def test_a_group_of_submissions_in_one_transaction_never_touches_the_reserve(crowded):
    queue, disk = crowded

    with queue.transaction():
        accepted = fill(queue, WAYS["one large"])
    after_the_commit = disk.free()
    queue._database.journal.empty()

    assert accepted > 0
    assert min(after_the_commit, disk.free()) >= KEPT


def test_a_disk_that_is_gone_is_told(queue, monkeypatch):
    def gone(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "statvfs", gone)

    with pytest.raises(StorageUnavailable, match="Input/output error"):
        queue.enqueue(asked(), min_free_bytes=1)
