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
def small_disk(tmp_path):
    """A disk of 24 MB, which only root can mount; how many bytes are free on it."""
    with mounted(tmp_path / "disk", size="24m") as disk:

        def free():
            of_the_disk = os.statvfs(disk.path)
            return of_the_disk.f_bavail * of_the_disk.f_frsize

        yield disk.path, free


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
    with pytest.raises(StorageFull, match=r"The queue stores 1\.0 MB, and 1\.0 MB is the most it may: delete"):
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
def test_submissions_never_touch_the_reserve_of_the_disk(small_disk, journal, way, reading):
    folder, free = small_disk
    queue = connect(f"sqlite:///{folder}/queue.db", journal_mode=journal).open()
    reader = connect(f"sqlite:///{folder}/queue.db", journal_mode=journal).open()
    least = free()

    def accept(queue):
        nonlocal least
        WAYS[way](queue)
        least = min(least, free())

    if reading and journal == "wal":  # its log can then not be emptied, and grows
        reader.enqueue(asked(10))
        reader._database.run("BEGIN")
        reader.counts()
    accepted = fill(queue, accept)
    if reading and journal == "wal":
        reader._database.run("ROLLBACK")
    queue._database.journal.empty()

    assert min(least, free()) >= KEPT
    assert accepted > 0
    reader.close()
    queue.close()


def test_a_group_of_submissions_in_one_transaction_never_touches_the_reserve(small_disk, journal):
    folder, free = small_disk
    queue = connect(f"sqlite:///{folder}/queue.db", journal_mode=journal).open()

    with queue.transaction():
        accepted = fill(queue, WAYS["one large"])
    after_the_commit = free()
    queue._database.journal.empty()

    assert accepted > 0
    assert min(after_the_commit, free()) >= KEPT
    queue.close()


def test_room_is_told(queue, ask):
    before = queue.room()
    prompt_id = ask("x" * 50_000)
    with_text = queue.room()
    queue.delete(prompt_id)
    after = queue.room()

    assert with_text.stored_bytes - before.stored_bytes in range(45_000, 60_000)
    assert after.stored_bytes + after.spare_bytes == with_text.stored_bytes + with_text.spare_bytes
    assert after.spare_bytes >= 45_000
    assert after.disk_free_bytes > 0


def test_a_disk_that_is_gone_is_told(queue, monkeypatch):
    def gone(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "statvfs", gone)

    with pytest.raises(StorageUnavailable, match="Input/output error"):
        queue.enqueue(asked(), min_free_bytes=1)
