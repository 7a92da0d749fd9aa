"""The turnstile: writers of several processes take turns."""

import mmap
import threading
import time
from pathlib import Path

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.host.turnstile import Turnstile

HOLDER = """
import sys
from pathlib import Path
from promptqueue.sqlite.host.turnstile import Turnstile

turnstile = Turnstile(Path(sys.argv[1]))
turnstile.enter(10)
print("entered", flush=True)
sys.stdin.readline()
turnstile.leave()
print("left", flush=True)
sys.stdin.readline()
"""

SATURATOR = """
import mmap, os, sys
from pathlib import Path
from promptqueue.sqlite.host.turnstile import Turnstile

folder = Path(sys.argv[1])
turnstile = Turnstile(folder)
with (folder / "turns").open("r+b") as file:
    turns = mmap.mmap(file.fileno(), 8)
print("ready", flush=True)
while True:
    turnstile.enter(10)
    turns[:] = (int.from_bytes(turns[:], "little") + 1).to_bytes(8, "little")
    (folder / "work").write_bytes(b"x" * 100_000)
    turnstile.leave()
"""


@pytest.fixture
def turnstile(tmp_path):
    one = Turnstile(tmp_path)
    yield one
    one.close()


@pytest.fixture
def hold(child, tmp_path):
    """Start a process that enters, and leaves when it is told so."""
    return lambda: child(HOLDER, tmp_path)


@pytest.fixture
def holder(hold):
    """Such a process that is inside."""
    one = hold()
    assert one.read() == "entered"
    return one


@pytest.fixture
def waiting(hold, holder, tmp_path, eventually):
    """A second one, which waits for the first."""
    one = hold()
    inode = (tmp_path / "turn.lock").stat().st_ino
    eventually(lambda: f":{inode} " in Path("/proc/locks").read_text())
    return one


def pass_through(turnstile):
    turnstile.enter(5)
    turnstile.leave()


def test_whoever_is_in_keeps_the_others_out_for_as_long_as_they_would_wait(turnstile, holder):
    started = time.monotonic()

    with pytest.raises(StorageUnavailable, match="locked by another process that does not let go"):
        turnstile.enter(0.2)

    assert 0.2 <= time.monotonic() - started < 2


def test_a_turn_comes_when_the_one_before_leaves(turnstile, holder):
    entering = threading.Thread(target=turnstile.enter, args=(10,))
    entering.start()
    entering.join(0.1)
    waited = entering.is_alive()

    holder.say()
    entering.join(10)

    assert (waited, entering.is_alive()) == (True, False)


def test_a_writer_that_saturates_lets_the_others_in_at_the_next_turn(turnstile, child, tmp_path, eventually):
    (tmp_path / "turns").write_bytes(bytes(8))
    with (tmp_path / "turns").open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 8)
    assert child(SATURATOR, tmp_path).read() == "ready"
    overtaken = []

    def turns():
        return int.from_bytes(shared[:], "little")

    for _ in range(50):
        seen = turns()
        eventually(lambda seen=seen: turns() > seen + 1)
        before = turns()
        turnstile.enter(10)
        overtaken.append(turns() - before)
        turnstile.leave()

    # One that is in and one that was there first; more only while the kernel gives this process no processor.
    assert sorted(overtaken)[len(overtaken) // 2] <= 2


@pytest.mark.parametrize("waits_for", ["turn", "main"])
def test_a_lock_that_comes_too_late_is_handed_back(
    request, turnstile, holder, tmp_path, waits_for, eventually, open_below
):
    # One more waits before us, and has taken the turn.
    others = [holder, request.getfixturevalue("waiting")] if waits_for == "turn" else [holder]
    with pytest.raises(StorageUnavailable):
        turnstile.enter(0.1)

    for other in others:
        assert other is holder or other.read() == "entered"
        other.say()
        assert other.read() == "left"

    newcomer = Turnstile(tmp_path)
    pass_through(newcomer)
    newcomer.close()
    pass_through(turnstile)
    eventually(lambda: len(open_below(tmp_path)) == 2)  # this one's pair: nothing leaks


def test_kill_9_of_the_one_inside_frees_the_way(turnstile, holder):
    holder.kill()

    pass_through(turnstile)


def test_kill_9_of_one_that_waits_frees_its_turn(turnstile, holder, waiting):
    waiting.kill()
    holder.say()

    pass_through(turnstile)


def test_two_threads_of_a_process_take_turns_too(tmp_path):
    inside, seen = [], []

    def write():
        own = Turnstile(tmp_path)
        for _ in range(50):
            own.enter(10)
            inside.append(1)
            seen.append(len(inside))
            inside.pop()
            own.leave()
        own.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert seen == [1] * 150


def test_a_program_started_meanwhile_holds_no_turn(turnstile, child, tmp_path):
    starting = child(
        """
import subprocess, sys
from pathlib import Path
from promptqueue.sqlite.host.turnstile import Turnstile

turnstile = Turnstile(Path(sys.argv[1]))
turnstile.enter(10)
offspring = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], close_fds=False)
print("entered", flush=True)
sys.stdin.read()
""",
        tmp_path,
    )
    assert starting.read() == "entered"

    starting.kill()

    pass_through(turnstile)


def test_a_turnstile_that_cannot_be_opened_leaves_nothing_open(tmp_path, open_below):
    (tmp_path / "main.lock").mkdir()

    with pytest.raises(IsADirectoryError):
        Turnstile(tmp_path)

    assert open_below(tmp_path) == []


def test_entering_and_leaving_leaves_nothing_open(turnstile, tmp_path, open_below):
    before = open_below(tmp_path)

    for _ in range(100):
        pass_through(turnstile)

    assert open_below(tmp_path) == before
