"""What the clock tells of somebody else's prompts: nothing."""

import random
import uuid

import pytest
from promptqueue.postgres.verbs.owners.names import BELONGS
from promptqueue.prompt import NewPrompt
from support.noise import CERTAIN, difference

MINE, HERS = 2, 3


@pytest.fixture
def hers(queue):
    """Some of the ids that are hers, among as many of mine."""
    accepted = queue.enqueue(*(NewPrompt(request={}, owner=owner) for owner in (MINE, HERS) * 1_000))
    return [each.prompt.id for each in accepted if each.prompt.owner == HERS]


def test_the_time_that_it_takes_does_not_tell_anothers_id_from_a_random_one(queue, hers):
    ids = {"hers": lambda: str(uuid.UUID(random.choice(hers))), "random": lambda: str(uuid.uuid4())}

    assert abs(difference(lambda prompt_id: queue.belongs(prompt_id, MINE), ids)) < CERTAIN


def test_it_reads_one_row_by_the_index_of_ids_whether_or_not_there_is_such_a_prompt(queue, hers, unknown):
    for prompt_id in (hers[0], unknown):
        limit, scan, *_ = [
            row["QUERY PLAN"].strip()
            for row in queue._database.run(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {BELONGS}", id=prompt_id, owner=2)
        ]

        assert limit.startswith("Limit (actual rows=1")
        assert scan.startswith("->  Index Scan using prompts_id_key on prompts (actual rows=1")


@pytest.mark.parametrize(
    "no_id", ["", "x", "{7d444840-9dc0-11d1-b245-5ffdce74fad2}", "7D444840-9DC0-11D1-B245-5FFDCE74FAD2"]
)
def test_what_can_be_no_id_is_nobodys_before_the_server_is_asked(queue, no_id, monkeypatch):
    monkeypatch.setattr(queue._database, "run", lambda *_, **__: pytest.fail("it was asked"))

    assert not queue.belongs(no_id, MINE)
