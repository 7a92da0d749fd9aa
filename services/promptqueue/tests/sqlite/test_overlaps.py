"""What others do between a verb's look and its turn to write."""

import pytest
from promptqueue.condition import Model, ModelState, Recovered
from promptqueue.prompt import Status


@pytest.fixture
def journal():
    return "auto"  # all the same here


@pytest.fixture
def meanwhile(queue, monkeypatch):
    """Let something happen once `recover` has seen what is overdue."""

    def let_happen(happen):
        look = queue._overdue
        monkeypatch.setattr(queue, "_overdue", lambda holders: (look(holders), happen())[0])

    return let_happen


def test_a_prompt_deleted_at_the_same_moment_does_not_keep_recover_from_the_others(
    queue, another, ask, worker, meanwhile
):
    deleted, lost = ask(), ask()
    for _ in range(2):
        queue.claim(worker.terms)
    worker.die()
    meanwhile(lambda: another.delete(deleted))

    assert queue.recover() == Recovered(requeued=1)
    assert queue.get(lost).status is Status.QUEUED


def test_a_prompt_finished_at_the_same_moment_keeps_its_answer(queue, another, begin, worker, answered, meanwhile):
    claim = begin()
    worker.die()
    meanwhile(lambda: another.finish(claim, answered))

    assert queue.recover() == Recovered()
    assert queue.get(claim.prompt.id).outcome == "succeeded"


def test_what_was_queued_again_since_it_was_seen_keeps_its_text(queue, another, ask, clock, monkeypatch):
    prompt_id = queue.cancel(ask()).id
    clock.advance(10)
    seen = queue._database.brief_transaction
    monkeypatch.setattr(queue._database, "brief_transaction", lambda: (another.retry(prompt_id), seen())[1])

    assert queue.erase_unrun(older_than=5) == 0
    assert queue.request(prompt_id)


def test_the_rate_of_a_busy_queue_is_worked_out_from_a_sample(queue, begin, answered, clock, monkeypatch):
    monkeypatch.setattr("promptqueue.sqlite.verbs.whole.condition.RATE_SAMPLE", 5)
    for _ in range(10):
        claim = begin()
        clock.advance(0.5)
        queue.finish(claim, answered)

    assert queue.counts().completed_per_minute == 150  # the last five ended within two seconds


def test_one_commit_ends_five_hundred_that_expired(queue, ask, clock):
    with queue.transaction():
        for _ in range(520):
            ask(expires_in=1)
    clock.advance(1)

    assert [queue.recover().expired for _ in range(3)] == [500, 20, 0]


def test_whoever_speaks_of_the_model_clears_away_what_workers_that_are_gone_have_said(queue, hire):
    for _ in range(3):
        worker = hire()
        for server in ("one", "another"):
            worker.describe(Model(name="llama3.2", state=ModelState.READY), server=server)
        worker.die()
    living = [hire(), hire()]

    for worker in living:
        worker.describe(Model(name="llama3.2", state=ModelState.READY))

    said = [row["worker"] for row in queue._database.run("SELECT worker FROM models")]
    assert sorted(said) == sorted(worker.terms.worker for worker in living)
