"""Queues that are filled in seconds are what the real verbs would have left."""

import sqlite3

from promptqueue import connect
from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Answered, NewPrompt, Outcome, Terms

from bench.stored import TEXTS, Stored

NOTHING_TO_COMPARE = {"seq", "id", "boot", "created_at", "started_at", "completed_at", "claimed_at", "ran_seconds"}
OF_ITS_TEXTS = {"bytes"}


def test_stored_prompts_are_counted_and_read_as_real_ones(tmp_path):
    stored = Stored.of(100, tmp_path)

    with stored.opened() as queue:
        counts = queue.counts()
        [completed] = [queue.get(each) for each in stored.ids("completed", 1)]
        answer = queue.answer(completed.id)
        [waiting] = stored.ids("queued", 1)

        assert (counts.completed, counts.queued, counts.processing) == (100, 10, 0)
        assert completed.outcome is Outcome.SUCCEEDED
        assert answer["done"]
        assert 1 <= queue.position(waiting) <= 10
        assert queue.claim(Terms(worker="somebody")).request["prompt"]
        assert queue.holdings(EVERYBODY).stored_bytes == 110 * len(TEXTS["requests"]) + 100 * len(TEXTS["answers"])


def test_stored_prompts_look_in_the_file_as_real_ones_do(tmp_path):
    (tmp_path / "real").mkdir()
    queue = connect(f"sqlite:///{tmp_path}/real/queue.db").open()
    queue.enqueue(NewPrompt(request={"prompt": "Why?"}))
    queue.finish(queue.claim(Terms(worker="somebody")), Answered(record={"done": True}, tokens=20))
    queue.close()
    (tmp_path / "stored").mkdir()
    stored = Stored.of(10, tmp_path / "stored")

    real, made = row(tmp_path / "real/queue.db"), row(stored.path)

    assert real.keys() == made.keys()
    assert {name for name in real if real[name] != made[name]} <= NOTHING_TO_COMPARE | OF_ITS_TEXTS
    assert {name for name in real if (real[name] is None) != (made[name] is None)} == set()


def test_of_the_stored_a_tenth_is_old_enough_to_be_pruned(tmp_path):
    stored = Stored.of(100, tmp_path)

    with stored.opened() as queue:
        pruned = list(iter(lambda: queue.prune(older_than=30 * 24 * 3600.0), 0))  # one by one where it takes long

        assert sum(pruned) == stored.old == 10


def row(path):
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    return dict(connection.execute("SELECT * FROM prompts WHERE status = 'completed' ORDER BY seq LIMIT 1").fetchone())
