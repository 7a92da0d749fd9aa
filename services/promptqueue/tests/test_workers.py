import os
import shutil

import pytest
from promptqueue.condition import Workers


def test_no_worker_is_none(queue):
    assert queue.workers() == Workers(count=0, slots=0)


def test_workers_and_their_slots_are_counted(queue, hire):
    for slots in (1, 4, 2):
        hire(slots=slots)

    assert queue.workers() == Workers(count=3, slots=7)


def test_a_worker_that_left_is_not_counted(queue, hire):
    hire(slots=4)
    hire(slots=2).die()

    assert queue.workers() == Workers(count=1, slots=4)


def test_other_processes_workers_are_counted(queue, run):
    program = """
import sys
from promptqueue.storage import connect

presence = connect(sys.argv[1], journal_mode=sys.argv[2]).register(slots=5)
print("here", flush=True)
sys.stdin.read()
"""
    run(program).read()

    assert queue.workers() == Workers(count=1, slots=5)


def test_counting_waits_for_no_turn(queue, another, hire):
    hire()

    with queue.transaction():
        assert another.workers().count == 1


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
