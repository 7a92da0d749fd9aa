"""Folding of the ledgers: fewer rows, the same sums at every moment, whoever folds meanwhile."""

import threading

import pytest
from promptqueue.owners.key import Role, new_key
from promptqueue.postgres.server import locks
from promptqueue.postgres.verbs.whole.folding import PILE, fold
from promptqueue.prompt import Answered, NewPrompt, Priority


@pytest.fixture
def rows(queue):
    """Count the rows of a table."""
    return lambda table: queue._database.run(f"SELECT count(*) AS rows FROM {table}")[0]["rows"]


@pytest.fixture
def told(queue):
    """All that is told from the ledgers."""

    def told():
        owners = [each.number for each in queue.owners()]
        waiting = [prompt.id for prompt in queue.newest(status="queued").prompts]
        return (
            queue.counts(),
            queue.moves(),
            queue.turns(),
            [queue.holdings(owner) for owner in owners],
            [each.position for each in queue.progress_of(waiting)],
            queue.usage(),
            queue.measures(),
            queue.history(5),
            queue.room().stored_bytes,
        )

    return told


@pytest.fixture
def busy(queue, terms, clock):
    """A queue in which prompts of several owners, in both lanes, wait, run and have ended."""
    anna = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    for owner in (0, anna):
        for lane in Priority:
            queue.enqueue(*[NewPrompt(request={"prompt": "Größe"}, owner=owner, priority=lane) for _ in range(5)])
    for _ in range(6):
        claim = queue.claim(terms)
        clock.advance(3.0)
        queue.finish(claim, Answered(record={"response": "so"}, tokens=3))
    queue.claim(terms)
    queue.cancel(queue.newest(status="queued").prompts[0].id)


def test_it_leaves_few_rows_and_changes_nothing_that_is_told(queue, busy, told, rows):
    before, unfolded = told(), (rows("tally"), rows("endings"))
    fold(queue._database, many=1)

    assert min(unfolded) > 5
    assert (rows("tally"), rows("endings")) == (0, 0)
    assert rows("sums") == 4  # two owners in two lanes
    assert told() == before


def test_what_comes_after_a_fold_is_added_to_it(queue, busy, told, ask, terms, answered):
    fold(queue._database, many=1)
    ask()
    queue.finish(queue.claim(terms), answered)

    before = told()
    fold(queue._database, many=1)

    assert told() == before


def test_of_blocks_in_which_nobody_waits_any_more_nothing_is_left(queue, ask, rows):
    prompts = [ask() for _ in range(3)]
    fold(queue._database, many=1)
    kept = rows("blocks")
    for prompt_id in prompts:
        queue.cancel(prompt_id)
    fold(queue._database, many=1)

    assert (kept, rows("blocks")) == (1, 0)


def test_few_rows_are_left_alone(queue, ask, rows):
    ask()
    fold(queue._database, many=2)

    assert rows("tally") == 1


def test_whoever_comes_while_somebody_folds_waits_for_nobody(queue, ask, rows, sessions):
    ask()
    with sessions.borrowed() as folding, folding.transaction():
        folding.execute("SELECT pg_advisory_xact_lock(%s, %s)", [locks.SINGLE, locks.FOLDING])
        fold(queue._database, many=1)

        assert rows("tally") == 1


def test_who_looks_while_others_fold_sees_each_prompt_once(open_storage, queue):
    is_over, seen = threading.Event(), []

    def fold_on():
        database = open_storage().open()._database
        while not is_over.is_set():
            fold(database, many=1)

    def look_on():
        onlooker = open_storage().open()
        while not is_over.is_set():
            seen.append((onlooker.counts().queued, onlooker.holdings(0).waiting))

    others = [threading.Thread(target=each) for each in (fold_on, fold_on, look_on)]
    for each in others:
        each.start()
    for _ in range(300):
        queue.enqueue(NewPrompt(request={}))
    is_over.set()
    for each in others:
        each.join(20)

    waiting = [number for look in seen for number in look]
    assert len(seen) > 10
    assert waiting == sorted(waiting)
    assert queue.counts().queued == 300


def test_however_much_was_folded_the_ledger_takes_no_more_room(queue):
    def size_after_a_pile():
        queue._database.run(
            "INSERT INTO tally (lane, owner, moves) SELECT 0, 0, 1 FROM generate_series(1, %(pile)s)", pile=PILE
        )
        fold(queue._database)
        return queue._database.run("SELECT pg_relation_size('tally') AS size")[0]["size"]

    sizes = [size_after_a_pile() for _ in range(4)]

    assert sizes[0] == sizes[3]
    assert queue.moves() == 4 * PILE
