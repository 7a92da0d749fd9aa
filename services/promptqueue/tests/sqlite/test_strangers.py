"""What the clock tells of somebody else's prompts: nothing."""

import random
import uuid

import pytest
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.verbs.owners.names import BELONGS
from support.noise import CERTAIN, difference

MINE, HERS = 2, 3


@pytest.fixture
def journal():
    return "auto"  # a read is the same in either


@pytest.fixture
def hers(queue):
    """Some of the ids that are hers, among as many of mine."""
    accepted = queue.enqueue(*(NewPrompt(request={}, owner=owner) for owner in (MINE, HERS) * 1_000))
    return [each.prompt.id for each in accepted if each.prompt.owner == HERS]


def test_the_time_that_it_takes_does_not_tell_anothers_id_from_a_random_one(queue, hers):
    ids = {"hers": lambda: str(uuid.UUID(random.choice(hers))), "random": lambda: str(uuid.uuid4())}

    assert abs(difference(lambda prompt_id: queue.belongs(prompt_id, MINE), ids)) < CERTAIN


def test_it_reads_one_row_by_the_index_of_ids_whether_or_not_there_is_such_a_prompt(queue):
    plan = queue._database.run(f"EXPLAIN QUERY PLAN {BELONGS}", id="", owner=MINE)

    assert [row["detail"] for row in plan] == ["SEARCH prompts USING INDEX sqlite_autoindex_prompts_1 (id>?)"]
