"""Whoever ends a prompt races whoever moves it: one of them wins, both know which, and nothing is left half done.

Each side has an instance and a thread of its own, and begins at the same moment as the other, again and again.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import methodcaller

import pytest
from promptqueue.errors import ClaimLost, PromptNotFound
from promptqueue.prompt import Answered, Failed, Outcome, Status
from promptqueue.sqlite.host.clock import Clock

ROUNDS = 8
ANSWERED = Answered(record={"response": "Rayleigh.", "done": True}, tokens=3)


def claim(queue, held, terms):
    return queue.claim(terms)


def finish(queue, held, terms):
    return queue.finish(held, ANSWERED)


def fail(queue, held, terms):
    return queue.finish(held, Failed(cause="a reason"))


def release(queue, held, terms):
    return queue.release(held)


def renew(queue, held, terms):
    return queue.renew(held)


def recover(queue, held, terms):
    return queue.recover()


@pytest.fixture
def clock():
    """Leases run out while the threads run."""
    return Clock()


@pytest.fixture
def race(open_queue):
    """Do two things at the same moment, each with an instance of its own; what came of both, errors included."""
    queues = [open_queue(), open_queue()]

    def run(*verbs):
        start = threading.Barrier(len(verbs))

        def one(verb, queue):
            start.wait()
            try:
                return verb(queue)
            except (ClaimLost, PromptNotFound) as lost:
                return lost

        with ThreadPoolExecutor(len(verbs)) as pool:
            return [future.result() for future in [pool.submit(one, *each) for each in zip(verbs, queues, strict=True)]]

    return run


@pytest.fixture
def hired_for(hire):
    """Register a worker whose lease is over at once where it is to be lost."""
    return lambda verb: hire(lease_seconds=0.0 if verb is recover else 15.0)


@pytest.mark.parametrize("verb", [claim, finish, fail, release, renew, recover])
def test_a_cancel_is_final_whatever_happens_at_the_same_moment(queue, ask, race, hired_for, verb):
    terms = hired_for(verb).terms
    for _ in range(ROUNDS):
        prompt_id = ask()
        held = None if verb is claim else queue.claim(terms)

        cancelled, moved = race(methodcaller("cancel", prompt_id), partial(verb, held=held, terms=terms))

        ended = queue.get(prompt_id)
        assert ended.status is Status.COMPLETED
        assert cancelled == ended == queue.cancel(prompt_id)
        if ended.outcome is Outcome.SUCCEEDED:  # it had been answered first
            assert (moved, queue.answer(prompt_id)) == (ended, ANSWERED.record)
        else:
            assert (ended.outcome, queue.answer(prompt_id)) == (Outcome.CANCELLED, None)
            assert verb is not finish or isinstance(moved, ClaimLost)
            assert queue.claim(terms) is None
        if held or moved:
            with pytest.raises(ClaimLost):
                queue.finish(held or moved, ANSWERED)


@pytest.mark.parametrize("verb", [claim, finish, fail, release, renew, recover])
def test_a_deleted_prompt_is_gone_whatever_happens_at_the_same_moment(
    queue, storage, ask, race, hired_for, stored_bytes, real_counts, verb
):
    terms = hired_for(verb).terms
    for _ in range(ROUNDS):
        prompt_id = ask("a text that nobody else has")
        held = None if verb is claim else queue.claim(terms)

        deleted, moved = race(methodcaller("delete", prompt_id), partial(verb, held=held, terms=terms))

        assert deleted is None
        with pytest.raises(PromptNotFound):
            queue.get(prompt_id)
        with pytest.raises(PromptNotFound):
            queue.delete(prompt_id)
        if held or (verb is claim and moved):
            with pytest.raises(ClaimLost):
                queue.finish(held or moved, ANSWERED)
        assert queue.claim(terms) is None
    assert real_counts() == {}
    storage.tidy()
    assert b"a text that nobody else has" not in stored_bytes()


def test_an_answer_that_races_the_loss_of_its_lease_is_kept_or_its_prompt_is_back(queue, ask, race, hired_for):
    terms = hired_for(recover).terms
    for _ in range(ROUNDS):
        prompt_id = ask()
        held = queue.claim(terms)

        finished, recovered = race(methodcaller("finish", held, ANSWERED), methodcaller("recover"))

        stands = queue.get(prompt_id)
        if isinstance(finished, ClaimLost):
            assert (stands.status, stands.failures, recovered.requeued) == (Status.QUEUED, 1, 1)
            assert queue.answer(prompt_id) is None
        else:
            assert (stands.outcome, stands.failures, recovered.total) == (Outcome.SUCCEEDED, 0, 0)
        queue.delete(prompt_id)


def test_of_many_who_cancel_one_prompt_all_are_told_the_same(queue, ask, race):
    for _ in range(ROUNDS):
        prompt_id = ask()

        one, other = race(methodcaller("cancel", prompt_id), methodcaller("cancel", prompt_id))

        assert one == other == queue.get(prompt_id)


def test_a_prompt_that_is_cancelled_when_its_time_is_over_has_one_end(queue, ask, race):
    for _ in range(ROUNDS):
        prompt_id = ask(expires_in=0.001)

        cancelled, recovered = race(methodcaller("cancel", prompt_id), methodcaller("recover"))

        queue.recover()
        assert queue.get(prompt_id) == cancelled
        assert cancelled.outcome is (Outcome.EXPIRED if recovered.expired else Outcome.CANCELLED)
