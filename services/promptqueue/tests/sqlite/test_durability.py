"""Which commits wait for the disk, by SQLite's own word: 2 is FULL, 1 NORMAL."""

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import NewPrompt


@pytest.fixture
def during(queue, begin, answered, clock, synchronous, monkeypatch):
    """How far the commit of a verb goes that a worker uses with a claim."""
    claim, seen = begin(), []
    verbs = {
        "finish": lambda: queue.finish(claim, answered),
        "release": lambda: queue.release(claim),
        "renew": lambda: queue.renew(claim),
        "write": lambda: queue.write(claim, "a", offset=0, tokens=1),
    }
    monkeypatch.setattr(clock, "monotonic", lambda: seen.append(synchronous()) or 1_000.0)

    def use(verb):
        verbs[verb]()
        return set(seen)

    return use


def test_a_submission_waits_for_the_disk(queue, synchronous):
    with queue.transaction():
        queue.enqueue(NewPrompt(request={}))
        during = synchronous()

    assert (during, synchronous()) == (2, 2)


@pytest.mark.parametrize("verb", ["finish", "release"])
def test_the_end_of_an_attempt_waits_for_the_disk(during, verb):
    assert during(verb) == {2}


@pytest.mark.parametrize("verb", ["renew", "write"])
def test_a_lease_and_partial_text_need_not_where_the_log_allows_it_and_the_next_commit_does(
    during, verb, journal, synchronous
):
    # A rollback journal needs FULL, or it can corrupt.
    assert during(verb) == {1 if journal == "wal" else 2}
    assert synchronous() == 2


@pytest.mark.parametrize("verb", ["renew", "write"])
def test_inside_a_transaction_they_wait_with_the_others(queue, during, verb):
    with queue.transaction():
        assert during(verb) == {2}


def test_after_a_description_of_the_model_the_next_commit_waits(worker, synchronous):
    worker.describe(Model(name="llama3.2", state=ModelState.READY))

    assert synchronous() == 2
