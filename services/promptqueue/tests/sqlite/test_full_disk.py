"""On a disk that somebody else filled, erasing goes on in next to no room, and gives the room back."""

import os
from contextlib import suppress

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect
from support.small_disk import mounted

LONG = 1_000_000
LITTLE = 200_000  # bytes, a fifth of what one text takes


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
