"""register: a worker's presence is a lock that it holds until it leaves or dies."""

import fcntl
from pathlib import Path

import pytest
from promptqueue.condition import Workers
from promptqueue.sqlite.host.presence import PresenceFile, is_alive


def test_a_registered_worker_is_alive_until_it_leaves(queue, storage):
    with storage.register(slots=2):
        during = queue.workers()

    assert during == Workers(count=1, slots=2)
    assert queue.workers() == Workers(count=0, slots=0)


def test_every_worker_has_an_id_of_its_own(queue, storage):
    with storage.register(slots=1) as one, storage.register(slots=1) as other:
        assert one.id != other.id


def test_a_worker_killed_with_kill_9_is_gone_at_once(queue, run):
    program = """
import sys
from promptqueue.storage import connect

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
presence = storage.register(slots=3)
print(presence.id, flush=True)
sys.stdin.read()
"""
    working = run(program)
    working.read()
    before = queue.workers()

    working.kill()

    assert before == Workers(count=1, slots=3)
    assert queue.workers() == Workers(count=0, slots=0)


def test_the_file_of_a_dead_worker_is_cleared_away_by_whoever_counts(queue, run, tmp_path):
    program = """
import os, sys
from promptqueue.storage import connect

presence = connect(sys.argv[1], journal_mode=sys.argv[2]).register(slots=1)
os.kill(os.getpid(), 9)
"""
    dying = run(program)
    dying.read()
    left = [path.name for path in (tmp_path / "workers").iterdir()]

    queue.workers()

    assert len(left) == 1
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_program_that_a_worker_started_does_not_keep_it_alive(queue, run):
    program = """
import subprocess, sys
from promptqueue.storage import connect

presence = connect(sys.argv[1], journal_mode=sys.argv[2]).register(slots=1)
offspring = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], close_fds=False)
print("started", flush=True)
sys.stdin.read()
"""
    working = run(program)
    working.read()

    working.kill()  # its offspring still waits at the standard input that both share

    assert queue.workers().count == 0


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
        seen.append((is_alive(folder, self.name), self.read_text(), target.exists()))
        return Path.replace(self, target)

    monkeypatch.setattr(Path, "rename", rename)

    with PresenceFile(folder, slots=4):
        pass

    assert seen == [(True, "4", False)]


def test_a_registration_that_fails_leaves_nothing(tmp_path, monkeypatch, open_below):
    monkeypatch.setattr(Path, "rename", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        PresenceFile(tmp_path / "workers", slots=1)

    assert (list((tmp_path / "workers").iterdir()), open_below(tmp_path)) == ([], [])


def test_a_worker_that_never_was_is_not_alive(tmp_path):
    assert not is_alive(tmp_path, "7d444840-9dc0-11d1-b245-5ffdce74fad2")
