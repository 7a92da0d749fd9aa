"""Several processes on one queue, and what is left when one of them is killed with SIGKILL."""

import time

import pytest
from promptqueue.condition import Workers
from promptqueue.notes import Changed
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import NewPrompt

BEGIN = """
import os, sys
from promptqueue.storage import connect
from promptqueue.prompt import Answered, NewPrompt, Terms

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
"""


@pytest.fixture
def run(run):
    """Start a process that has the queue open."""
    return lambda program, *arguments: run(BEGIN + program, *arguments)


def test_processes_that_claim_at_once_never_get_the_same_prompt(queue, run):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(60)))
    program = """
with storage.register(slots=1) as presence:
    print("ready", flush=True)
    sys.stdin.readline()
    while claim := queue.claim(Terms(worker=presence.id)):
        print(claim.prompt.id, claim.attempt)
"""
    claimers = [run(program) for _ in range(3)]
    assert [claimer.read() for claimer in claimers] == ["ready"] * 3

    for claimer in claimers:
        claimer.say()
    words = [word for claimer in claimers for word in claimer.output()]

    assert sorted(words[::2]) == sorted(one.prompt.id for one in accepted)
    assert set(words[1::2]) == {"1"}


def test_an_owner_that_asks_from_several_processes_never_has_more_waiting_than_it_may(queue, run, real_counts):
    owner = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    asking = """
from promptqueue.errors import QuotaExceeded

owner, number = int(sys.argv[3]), int(sys.argv[4])
mine, seen, refused = [], [], 0
print("ready", flush=True)
sys.stdin.readline()
for n in range(120):
    try:
        mine.append(queue.enqueue(NewPrompt(request={"prompt": "x" * n}, owner=owner), max_waiting=20)[0].prompt.id)
    except QuotaExceeded:
        refused += 1
        if mine:
            (queue.delete if n % 3 else queue.cancel)(mine.pop((n * 7 + number) % len(mine)))
    seen.append(queue.holdings(owner).waiting)
print(max(seen), refused)
"""
    answering = """
import contextlib, select
from promptqueue.errors import ClaimLost

print("ready", flush=True)
with storage.register(slots=1) as presence:
    answered = 0
    while answered < 40 and not select.select([sys.stdin], [], [], 0.01)[0]:
        if claim := queue.claim(Terms(worker=presence.id)):
            answered += 1
            with contextlib.suppress(ClaimLost):
                queue.finish(claim, Answered(record={"response": "x"}, tokens=1))
    sys.stdin.read()
"""
    askers, answerer = [run(asking, owner, number) for number in range(4)], run(answering)
    assert [each.read() for each in (*askers, answerer)] == ["ready"] * 5

    for each in askers:
        each.say()
    most, refused = zip(*(map(int, each.output()) for each in askers), strict=True)
    answerer.lines()

    assert max(most) == 20
    assert sum(refused) > 0
    real_counts()
    queue.enqueue(*[NewPrompt(request={}, owner=owner)] * (20 - queue.holdings(owner).waiting), max_waiting=20)


def test_what_returned_outlives_kill_9_before_and_after_a_checkpoint(queue, run):
    working = run(
        """
ids = [queue.enqueue(NewPrompt(request={"prompt": "before"}))[0].prompt.id]
storage.tidy()
ids.append(queue.enqueue(NewPrompt(request={"prompt": "after"}))[0].prompt.id)
claim = queue.claim(Terms(worker=storage.register(slots=1).id))
queue.write(claim, "half", offset=0, tokens=1)
queue.finish(claim, Answered(record={"response": "whole"}, tokens=2))
print(*ids, flush=True)
sys.stdin.read()
"""
    )
    first, second = working.read().split()

    working.kill()

    assert [queue.request(prompt_id)["prompt"] for prompt_id in (first, second)] == ["before", "after"]
    assert queue.answer(first) == {"response": "whole"}
    assert queue.position(second) == 1
    assert queue.recover().total == 0


def test_an_unfinished_commit_leaves_nothing_when_its_process_is_killed(queue, run, ask):
    accepting = run(
        """
with queue.transaction():
    queue.enqueue(*[NewPrompt(request={"prompt": "x" * 100_000}) for _ in range(40)])
    print("written", flush=True)
    sys.stdin.read()
"""
    )
    assert accepting.read() == "written"

    accepting.kill()

    assert queue.counts().queued == 0
    assert queue.position(ask()) == 1


def test_kill_9_of_a_worker_frees_its_prompt_and_its_place_among_the_workers(care, queue, ask, run, tmp_path):
    prompt_id = ask()
    working = run(
        """
from promptqueue.machine.clock import Clock

class SameBoot(Clock):
    boot = "this boot"
    def monotonic(self):
        return 1_000.0

storage = connect(sys.argv[1], journal_mode=sys.argv[2], clock=SameBoot())
queue = storage.open()
presence = storage.register(slots=3)
print(queue.claim(Terms(worker=presence.id)).prompt.id, flush=True)
sys.stdin.read()
"""
    )
    assert working.read() == prompt_id
    alive = care(prompt_id).status, queue.workers()

    working.kill()

    assert alive == ("processing", Workers(count=1, slots=3))
    assert care(prompt_id).status == "queued"
    assert queue.workers() == Workers(count=0, slots=0)
    assert list((tmp_path / "workers").iterdir()) == []  # cleared away by whoever counts


def test_a_program_that_a_worker_started_does_not_keep_it_alive(queue, run, eventually):
    working = run(
        """
import subprocess

presence = storage.register(slots=1)
offspring = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], close_fds=False)
print("started", flush=True)
sys.stdin.read()
"""
    )
    working.read()

    working.kill()  # its offspring still waits at the standard input that both share

    eventually(lambda: queue.workers().count == 0)  # a kernel may start a program before it has closed what it must


def test_another_process_hears_of_a_commit_and_of_live_text_and_is_heard(queue, storage, begin, run, until_heard):
    claim = begin()
    listening = run(
        """
with storage.listen() as listener, listener.subscribe(sys.argv[3]) as subscription:
    print("ready", flush=True)
    for _ in range(2):
        for note in subscription.wait(10):
            print(type(note).__name__, getattr(note, "text", queue.get(note.prompt_id).status), flush=True)
print(queue.enqueue(NewPrompt(request={}))[0].prompt.id, flush=True)
""",
        claim.prompt.id,
    )
    listening.read()

    with storage.listen() as listener, listener.subscribe() as changes:
        queue.stream_text(claim, "Ray", offset=0)
        first = listening.read()
        queue.release(claim)
        second, asked = listening.read(), listening.read()
        heard = until_heard(changes, 2)

    assert [first, second] == ["Text Ray", "Changed queued"]
    assert Changed(asked) in heard


def test_the_commits_of_two_processes_all_get_through(ask, run):
    saturating = run(
        """
print("ready", flush=True)
while True:
    queue.enqueue(NewPrompt(request={"prompt": "x" * 1_000}))
"""
    )
    assert saturating.read() == "ready"

    slowest = 0.0

    for _ in range(40):
        started = time.monotonic()
        ask()
        slowest = max(slowest, time.monotonic() - started)

    assert slowest < 4  # without turns the worst wait was 3.4 s, and SQLite gives up after five


def test_the_socket_of_a_process_that_was_killed_is_cleared_away_by_the_next_commit(run, ask, wake):
    listening = run('listener = storage.listen()\nprint("ready", flush=True)\nsys.stdin.read()')
    listening.read()
    listening.kill()
    left = list(wake.iterdir())

    ask()

    assert len(left) == 1
    assert list(wake.iterdir()) == []
