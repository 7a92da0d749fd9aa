"""What the clock tells of somebody else's prompts: nothing."""

import os
import random
import statistics
import time
import uuid

import pytest
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.verbs.owners.names import BELONGS

TRIES = int(os.environ.get("TRIES", "2000"))
MINE, HERS = 2, 3


@pytest.fixture
def journal():
    return "auto"  # a read is the same in either


@pytest.fixture
def hers(queue):
    """Some of the ids that are hers, among as many of mine."""
    accepted = queue.enqueue(*(NewPrompt(request={}, owner=owner) for owner in (MINE, HERS) * 1_000))
    return [each.prompt.id for each in accepted if each.prompt.owner == HERS]


def seconds(action, *arguments):
    begun = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begun


def welch(some, others):
    """Student's t of two samples; what lasted longest was something else on this machine, and is cut off."""
    longest = sorted((*some, *others))[int(0.9 * (len(some) + len(others)))]
    some, others = ([min(each, longest) for each in sample] for sample in (some, others))
    error = (statistics.variance(some) + statistics.variance(others)) / len(some)
    return (statistics.mean(some) - statistics.mean(others)) / error**0.5


def test_the_time_that_it_takes_does_not_tell_anothers_id_from_a_random_one(queue, hers):
    taken = {True: [], False: []}
    for _ in range(TRIES):
        # Strings as new as each other: one that lies in memory for longer is fetched from farther away.
        pair = [(True, str(uuid.UUID(random.choice(hers)))), (False, str(uuid.uuid4()))]
        for exists, prompt_id in random.sample(pair, 2):
            taken[exists].append(seconds(queue.belongs, prompt_id, MINE))

    assert abs(welch(taken[True], taken[False])) < 4


def test_it_reads_one_row_by_the_index_of_ids_whether_or_not_there_is_such_a_prompt(queue):
    plan = queue._database.run(f"EXPLAIN QUERY PLAN {BELONGS}", id="", owner=MINE)

    assert [row["detail"] for row in plan] == ["SEARCH prompts USING INDEX sqlite_autoindex_prompts_1 (id>?)"]
