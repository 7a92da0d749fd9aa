"""Several processes on one queue: none waits for another's commit where it can be helped, and nothing is done twice."""

import psycopg
import pytest
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import NewPrompt

PROCESSES = 4

BEGIN = """
import random, sys
from promptqueue.errors import QueueFull, StorageUnavailable
from promptqueue.prompt import Answered, Failed, Idempotency, NewPrompt, Terms
from promptqueue.storage import connect

storage = connect(sys.argv[1])
queue = storage.open()
number = int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def together(child, url):
    """Have several processes run a program at the same moment; the words that each of them printed."""

    def run(program):
        children = [child(BEGIN + program, url, number) for number in range(PROCESSES)]
        assert [each.read() for each in children] == ["ready"] * PROCESSES
        for each in children:
            each.say()
        return [each.output() for each in children]

    return run


@pytest.fixture
def deadlocks(ask_server):
    """How often the server has had to break two up who waited for each other."""
    return lambda: ask_server("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def test_no_attempt_is_handed_out_twice_whatever_else_happens_to_its_prompt(queue, together, in_order, deadlocks):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(300)))
    before = deadlocks()

    words = together(
        """
chance = random.Random(number)
with storage.register(slots=1) as presence:
    terms = Terms(worker=presence.id, max_failures=3)
    while claim := queue.claim(terms):
        print(f"{claim.prompt.id}/{claim.attempt}")
        match chance.randrange(10):
            case 0:
                queue.release(claim)
            case 1 | 2:
                queue.finish(claim, Failed(cause="reset"))
            case 3:
                queue.cancel(claim.prompt.id)
            case _:
                with queue.transaction():
                    queue.finish(claim, Answered(record={"response": "x"}, tokens=1))
                    if following := queue.claim(terms):
                        print(f"{following.prompt.id}/{following.attempt}")
                if following:
                    queue.finish(following, Answered(record={"response": "x"}, tokens=1))
        if chance.randrange(20) == 0:
            queue.recover()
"""
    )

    claims = [claim for each in words for claim in each]
    assert len(claims) == len(set(claims)) >= len(accepted)
    assert min(map(len, words)) > 0
    counts = queue.counts()
    assert counts.processing == 0
    assert counts.completed + counts.queued == len(accepted)  # one that must wait a little is left
    in_order()
    assert deadlocks() == before


def test_of_prompts_with_one_key_one_is_accepted_and_all_the_others_are_told_of_it(queue, together, deadlocks):
    before = deadlocks()

    words = together(
        """
for n in range(60):
    pair = [Idempotency(key=f"{n}-{each}", fingerprint="f") for each in random.sample("abc", 2)]
    for one in queue.enqueue(*(NewPrompt(request={}, idempotency=each) for each in pair)):
        print(f"{one.prompt.id}/{one.replayed}")
"""
    )

    told = [word.split("/") for each in words for word in each]
    fresh = [prompt_id for prompt_id, replayed in told if replayed == "False"]
    assert len(told) == PROCESSES * 120
    assert sorted(fresh) == sorted({prompt_id for prompt_id, _ in told})
    assert queue.counts().queued == len(fresh) <= 180
    assert deadlocks() == before


def test_groups_that_bring_the_same_keys_crosswise_never_wait_for_each_other_for_ever(queue, together, deadlocks):
    before = deadlocks()

    words = together(
        """
for n in range(40):
    keys = [f"{n}-{each}" for each in "abcdef"]
    random.Random(number).shuffle(keys)
    with queue.transaction():
        for key in keys:
            try:
                queue.enqueue(NewPrompt(request={}, idempotency=Idempotency(key=key, fingerprint="f")), max_queued=300)
                print("told")
            except StorageUnavailable as unavailable:
                assert "send it again" in str(unavailable)
                print("refused")
"""
    )

    said = [word for each in words for word in each]
    assert len(said) == PROCESSES * 40 * 6
    assert queue.counts().queued <= 240
    assert "told" in said
    assert deadlocks() == before


def test_no_more_wait_than_may_however_many_submit(queue, together, in_order):
    words = together(
        """
accepted, is_full = 0, False
while not is_full:
    with queue.transaction():
        for _ in range(random.randrange(1, 6)):
            try:
                queue.enqueue(NewPrompt(request={}), max_queued=500)
                accepted += 1
            except QueueFull:
                is_full = True
print(accepted)
"""
    )

    assert queue.counts().queued == 500
    assert sum(int(word) for each in words for word in each) == 500
    in_order()


def test_no_more_of_an_owner_run_than_may_however_many_claim(queue, together):
    owner = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    queue.enqueue(*(NewPrompt(request={}, owner=owner) for _ in range(40)))

    words = together(
        """
with storage.register(slots=1) as presence:
    held = []
    for _ in range(60):
        if claim := queue.claim(Terms(worker=presence.id, most_running=2)):
            held.append(claim)
        print(queue.holdings(2).running)
        if held and random.randrange(3) == 0:
            queue.release(held.pop(0))
    for claim in held:
        queue.release(claim)
"""
    )

    assert {int(word) for each in words for word in each} <= {0, 1, 2}
    assert "2" in {word for each in words for word in each}


def test_whoever_claims_beside_another_waits_for_nobody_and_is_charged_once_that_has_committed(
    queue, another, terms, ask, ask_server, in_order
):
    first, second, third = ask(), ask(), ask()

    with queue.transaction():
        assert queue.claim(terms).prompt.id == first
        assert another.claim(terms).prompt.id == second  # the book is not to be had
        [(left,)] = ask_server("SELECT count(*) FROM charges")
    assert left == 1
    assert queue.claim(terms).prompt.id == third

    [(start,)] = ask_server("SELECT start FROM turns WHERE lane = 0 AND owner = 0")
    assert start == 3 * 666_666  # three prices of two seconds by its weight of 3
    in_order()


def test_a_row_that_somebody_has_locked_is_passed_over(queue, terms, ask, url):
    ask()
    second = ask()

    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM line ORDER BY seq LIMIT 1 FOR UPDATE")
        claim = queue.claim(terms)

    assert claim.prompt.id == second
