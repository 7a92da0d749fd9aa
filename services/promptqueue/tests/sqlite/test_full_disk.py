"""On a full disk nothing is lost and what does not fit is refused; erasing goes on in next to no room."""

import os
from contextlib import closing, suppress

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt, Terms
from promptqueue.storage import connect
from support.small_disk import mounted

LARGE = NewPrompt(request={"prompt": "x" * 3_000_000})
LONG = 1_000_000
LITTLE = 200_000  # bytes, a fifth of what one text takes


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk") as small:
        yield small


@pytest.fixture
def open_there(disk, journal):
    """Open the queue on the small disk."""
    return lambda: closing(connect(f"sqlite:///{disk.path}/queue.db", journal_mode=journal).open())


def test_a_queue_begins_on_a_full_disk_as_soon_as_there_is_room(disk, open_there):
    disk.fill()

    with pytest.raises(StorageUnavailable, match="; its disk is full, so make room there; everything then goes on by"):
        open_there()
    disk.make_room()

    with open_there() as queue:
        assert queue.enqueue(NewPrompt(request={}))


def test_a_queue_on_a_disk_that_is_full_by_now_loses_nothing(disk, open_there):
    with open_there() as queue:
        queue.enqueue(NewPrompt(request={"prompt": "accepted"}))
    disk.fill()

    with pytest.raises(StorageUnavailable, match="its disk is full, so make room there"), open_there() as queue:
        queue.enqueue(NewPrompt(request={"prompt": "x" * 100_000}))
    disk.make_room()

    with open_there() as queue:
        assert [queue.request(prompt.id) for prompt in queue.newest().prompts] == [{"prompt": "accepted"}]


def test_a_disk_that_is_read_only_is_told_and_passes(disk, open_there):
    with open_there() as queue:
        queue.enqueue(NewPrompt(request={}))
    disk.remount("ro")

    with pytest.raises(StorageUnavailable, match="; its disk is mounted read-only, so mount it writable; everything"):
        open_there()
    disk.remount("rw")

    with open_there() as queue:
        assert queue.counts().queued == 1


# ---- becoming full ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["a page limit", "a full disk"])
def full(request, tmp_path, journal, clock):
    """A queue whose storage has no room for a large prompt, and what makes room."""
    if request.param == "a page limit":
        queue = connect(f"sqlite:///{tmp_path}/queue.db", journal_mode=journal, clock=clock).open()
        queue._database.run("PRAGMA max_page_count = 100")
        yield queue, lambda: queue._database.run("PRAGMA max_page_count = 100000")
        queue.close()
        return
    with mounted(tmp_path / "disk") as disk:
        queue = connect(f"sqlite:///{disk.path}/queue.db", journal_mode=journal, clock=clock).open()
        yield queue, lambda: disk.remount("size=64m")
        queue.close()


def test_a_full_disk_refuses_changes_nothing_and_passes(full):
    queue, make_room = full
    [small] = queue.enqueue(NewPrompt(request={"prompt": "small"}))

    with pytest.raises(StorageUnavailable, match="full"):
        queue.enqueue(NewPrompt(request={}), LARGE)
    queued_while_full = queue.counts().queued
    request = queue.request(small.prompt.id)
    make_room()
    queue.enqueue(NewPrompt(request={}), LARGE)

    assert (queued_while_full, request, queue.counts().queued) == (1, {"prompt": "small"}, 3)


def test_a_full_disk_in_a_shared_commit_commits_no_half(full):
    queue, make_room = full
    presence = connect(f"sqlite:///{queue._database.path}").register(slots=1)
    [first] = queue.enqueue(NewPrompt(request={"prompt": "first"}))
    later = []

    def share():
        with queue.transaction():
            queue.claim(Terms(worker=presence.id))
            try:
                queue.enqueue(LARGE)
            except StorageUnavailable:
                later.append("refused")
            queue.enqueue(NewPrompt(request={"prompt": "later"}))

    with pytest.raises(StorageUnavailable):
        share()
    while_full = (queue.get(first.prompt.id).status, queue.counts().queued)
    make_room()
    share()

    assert while_full == ("queued", 1)
    assert (queue.get(first.prompt.id).status, queue.counts().queued) == ("processing", 2)
    presence.leave()


# ---- erasing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(tmp_path, journal, clock):
    """A queue with six long prompts of which the first four are over, on a disk with next to no room left."""
    with mounted(tmp_path / "disk", size="16m") as disk:
        queue = connect(f"sqlite:///{disk.path}/queue.db", journal_mode=journal, clock=clock).open()
        accepted = queue.enqueue(*[NewPrompt(request={"prompt": f"{n}" * LONG}) for n in range(6)])
        ids = [each.prompt.id for each in accepted]
        for prompt_id in ids[:4]:
            queue.cancel(prompt_id)
        queue._database.journal.empty()
        with (disk.path / "strangers").open("wb", buffering=0) as file:
            while free(disk.path) > LITTLE:
                file.write(b"x" * 4096)
        yield queue, ids, disk.path
        queue.close()


def free(folder):
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


ERASE = {
    "delete": lambda queue, ids: [queue.delete(prompt_id) for prompt_id in ids[:4]],
    "prune": lambda queue, _: list(iter(lambda: queue.prune(older_than=1), 0)),
    "erase_unrun": lambda queue, _: list(iter(lambda: queue.erase_unrun(older_than=1), 0)),
}


@pytest.mark.parametrize("verb", ERASE)
def test_what_is_erased_needs_no_room_of_its_own_and_leaves_with_the_end_of_the_file(crowded, clock, verb):
    queue, ids, folder = crowded
    clock.advance(2)

    ERASE[verb](queue, ids)
    while queue.compact():
        pass
    queue._database.journal.empty()

    assert free(folder) > 3.9 * LONG
    assert queue.room().spare_bytes == 0
    stored = b"".join(path.read_bytes() for path in folder.glob("queue.db*"))
    assert [f"{n}".encode() * 3_000 in stored for n in range(6)] == [False] * 4 + [True] * 2
    assert [queue.request(prompt_id)["prompt"][:1] for prompt_id in ids[4:]] == ["4", "5"]
    assert queue._database.run("PRAGMA integrity_check")[0][0] == "ok"


def test_one_is_deleted_beside_others_in_one_transaction(crowded):
    queue, ids, _ = crowded

    with queue.transaction():
        queue.delete(ids[0])
        queue.cancel(ids[4])

    assert queue.counts().completed == 4


def test_what_failed_for_want_of_room_does_not_take_the_last_of_it(crowded):
    queue, ids, folder = crowded
    before = free(folder)

    with suppress(StorageUnavailable):
        queue.enqueue(NewPrompt(request={"prompt": "x" * LONG}))

    assert free(folder) >= before - 65_536
    queue.delete(ids[0])
