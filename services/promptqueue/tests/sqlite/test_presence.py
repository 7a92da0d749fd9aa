"""A worker's presence is a lock on a file of its own, among whatever else lies in the folder."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from promptqueue.condition import Workers
from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.host.presence import PresenceFile, is_alive


@pytest.fixture
def journal():
    return "auto"  # all the same here


def test_two_who_ask_at_once_do_not_take_each_other_for_the_worker(tmp_path):
    folder = tmp_path / "workers"
    presence = PresenceFile(folder, slots=1)
    with (folder / presence.id).open("rb") as asking:
        presence._path.rename(folder / "dead")
        presence.leave()
        fcntl.flock(asking, fcntl.LOCK_SH)  # somebody asks at this very moment

        assert not is_alive(folder, "dead")


def test_asking_does_not_disturb_the_living(tmp_path):
    with PresenceFile(tmp_path / "workers", slots=1) as presence:
        assert [is_alive(tmp_path / "workers", presence.id) for _ in range(3)] == [True, True, True]


def test_nobody_ever_sees_a_worker_without_its_lock(tmp_path, monkeypatch):
    folder, seen = tmp_path / "workers", []

    def rename(self, target):
        seen.append((is_alive(folder, self.name), int(self.read_text()), target.exists()))
        return Path.replace(self, target)

    monkeypatch.setattr(Path, "rename", rename)

    with PresenceFile(folder, slots=4):
        pass

    assert seen == [(True, 4, False)]


def test_a_registration_that_fails_leaves_nothing(tmp_path, monkeypatch, open_below):
    monkeypatch.setattr(Path, "rename", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        PresenceFile(tmp_path / "workers", slots=1)

    assert (list((tmp_path / "workers").iterdir()), open_below(tmp_path)) == ([], [])


def test_a_worker_that_never_was_is_not_alive(tmp_path):
    assert not is_alive(tmp_path, "7d444840-9dc0-11d1-b245-5ffdce74fad2")


def test_a_worker_that_is_still_entering_is_neither_counted_nor_cleared_away(queue, tmp_path):
    (tmp_path / "workers").mkdir()
    entering = tmp_path / "workers" / ".7d444840-9dc0-11d1-b245-5ffdce74fad2"
    entering.touch()

    assert queue.workers().count == 0
    assert entering.exists()


def test_a_worker_whose_slots_cannot_be_read_has_none(queue, hire, tmp_path):
    hire(slots=4)
    [path] = (tmp_path / "workers").iterdir()
    path.write_text("")

    assert queue.workers() == Workers(count=1, slots=0)


ODD = {
    "a FIFO": os.mkfifo,
    "a folder": lambda path: (path.mkdir(), (path / "inside").touch()),
    "a link to a FIFO": lambda path: (os.mkfifo(f"{path}-fifo"), path.symlink_to(f"{path}-fifo")),
    "a link to a device": lambda path: path.symlink_to("/dev/tty"),
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_whatever_else_lies_among_the_workers_is_none_and_is_not_waited_for(queue, hire, ask, tmp_path, make):
    odd = hire(slots=7)
    ask()
    queue.claim(odd.terms)
    hire(slots=2)
    (tmp_path / "workers" / odd.terms.worker).unlink()
    make(tmp_path / "workers" / odd.terms.worker)

    assert queue.workers() == Workers(count=1, slots=2)
    assert queue.recover().requeued == 1
    assert queue.workers() == Workers(count=1, slots=2)


@pytest.mark.parametrize("what", ["its entry", "the folder"])
def test_a_worker_whose_entry_was_taken_away_enters_again_under_the_same_name(queue, storage, tmp_path, what):
    presence = storage.register(slots=3)
    (tmp_path / "workers" / presence.id).unlink() if what == "its entry" else shutil.rmtree(tmp_path / "workers")
    assert queue.workers().count == 0

    presence.stay()
    presence.stay()

    assert queue.workers() == Workers(count=1, slots=3)
    assert [path.name for path in (tmp_path / "workers").iterdir()] == [presence.id]
    presence.leave()
    assert queue.workers().count == 0


SERVER = "http://a:11434"

HOLDER = """
import sys
from pathlib import Path
from promptqueue.sqlite.host.presence import PresenceFile

presence = PresenceFile(Path(sys.argv[1]) / "workers")
print(presence.take_slot(sys.argv[2], below=1), flush=True)
input()
"""


def test_the_slots_of_a_worker_that_is_killed_are_free_at_once(child, tmp_path, storage):
    holder = child(HOLDER, tmp_path, SERVER)
    assert holder.read() == "0"
    with storage.register(slots=0) as stands_by:
        before = stands_by.take_slot(SERVER, below=1)

        holder.kill()

        assert (before, stands_by.take_slot(SERVER, below=1)) == (None, 0)


@pytest.mark.parametrize("is_free", [True, False])
def test_a_slot_whose_file_was_taken_away_is_taken_again_unless_somebody_else_has_it_by_now(
    queue, storage, tmp_path, is_free
):
    with storage.register(slots=0) as presence, storage.register(slots=0) as other:
        presence.take_slot(SERVER, below=1)
        shutil.rmtree(tmp_path / "slots")
        if not is_free:
            other.take_slot(SERVER, below=1)

        presence.stay()

        assert (presence.slots(), other.slots()) == (({(SERVER, 0)}, set()) if is_free else (set(), {(SERVER, 0)}))
        assert queue.workers().slots == 1
        assert (presence if not is_free else other).take_slot(SERVER, below=1) is None


def test_a_worker_that_leaves_keeps_no_file_of_a_slot_open(storage, tmp_path, open_below):
    with storage.register(slots=0) as presence:
        presence.take_slot(SERVER, below=2)
        presence.take_slot(SERVER, below=2)
        presence.give_slot_back(SERVER, 0)
        assert len(open_below(tmp_path / "slots")) == 1

    assert open_below(tmp_path) == []


def test_slots_that_cannot_be_taken_are_an_error_of_the_storage(storage, tmp_path):
    (tmp_path / "slots").touch()
    with storage.register(slots=0) as presence, pytest.raises(StorageUnavailable, match=SERVER):
        presence.take_slot(SERVER, below=1)
