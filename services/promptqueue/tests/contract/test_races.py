"""Whoever ends a prompt races whoever moves it: one of them wins, both know which, and nothing is left half done.

Each side has an instance and a thread of its own, and begins at the same moment as the other, again and again.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import methodcaller

import pytest
from promptqueue.errors import ClaimLost, PromptNotFound
from promptqueue.prompt import Answered, Failed, Outcome, Status

ROUNDS = 8
ANSWERED = Answered(record={"response": "Rayleigh.", "done": True}, tokens=3)


VERBS = {
    "claim": lambda _, terms, queue: queue.claim(terms),
    "finish": lambda held, _, queue: queue.finish(held, ANSWERED),
    "fail": lambda held, _, queue: queue.finish(held, Failed(cause="a reason")),
    "release": lambda held, _, queue: queue.release(held),
    "renew": lambda held, _, queue: queue.renew(held),
    "recover": lambda _, __, queue: queue.recover(),
}


class RunningClock:
    """Leases run out while the threads run."""

    boot = "this boot"

    def monotonic(self):
        return time.monotonic()

    def elapsed(self):
        return time.monotonic()

    def wall(self):
        return time.time()


@pytest.fixture
def clock():
    return RunningClock()


@pytest.fixture
def race(queue, another):
    """Do two things at the same moment, each with an instance of its own; what came of both, errors included."""
    start = threading.Barrier(2)

    def one(verb, instance):
        start.wait()
        try:
            return verb(instance)
        except (ClaimLost, PromptNotFound) as lost:
            return lost

    with ThreadPoolExecutor(2) as pool:
        yield lambda *verbs: list(pool.map(one, verbs, [queue, another]))


@pytest.fixture
def hired_for(hire):
    """Register a worker whose lease is over at once where it is to be lost; its terms."""
    return lambda verb: hire(lease_seconds=0.0 if verb == "recover" else 15.0).terms


@pytest.mark.parametrize("verb", VERBS)
def test_a_cancel_is_final_whatever_happens_at_the_same_moment(queue, ask, race, hired_for, verb):
    terms = hired_for(verb)
    for _ in range(ROUNDS):
        prompt_id = ask()
        held = None if verb == "claim" else queue.claim(terms)

        cancelled, moved = race(methodcaller("cancel", prompt_id), partial(VERBS[verb], held, terms))

        ended = queue.get(prompt_id)
        assert ended.status is Status.COMPLETED
        assert cancelled == ended == queue.cancel(prompt_id)
        if ended.outcome is Outcome.SUCCEEDED:  # it had been answered first
            assert (moved, queue.answer(prompt_id)) == (ended, ANSWERED.record)
        else:
            assert (ended.outcome, queue.answer(prompt_id)) == (Outcome.CANCELLED, None)
            assert verb != "finish" or isinstance(moved, ClaimLost)
            assert queue.claim(terms) is None
        if held or moved:
            with pytest.raises(ClaimLost):
                queue.finish(held or moved, ANSWERED)


@pytest.mark.parametrize("verb", VERBS)
def test_a_deleted_prompt_is_gone_whatever_happens_at_the_same_moment(queue, ask, race, hired_for, in_order, verb):
    terms = hired_for(verb)
    for _ in range(ROUNDS):
        prompt_id = ask()
        held = None if verb == "claim" else queue.claim(terms)

        deleted, moved = race(methodcaller("delete", prompt_id), partial(VERBS[verb], held, terms))

        assert deleted is None
        for verb_of_one in (queue.get, queue.delete):
            with pytest.raises(PromptNotFound):
                verb_of_one(prompt_id)
        if held or (verb == "claim" and moved):
            with pytest.raises(ClaimLost):
                queue.finish(held or moved, ANSWERED)
        assert queue.claim(terms) is None
    assert queue.newest().prompts == []
    in_order()


def test_an_answer_that_races_the_loss_of_its_lease_is_kept_or_its_prompt_is_back(queue, begin, race, hired_for):
    terms = hired_for("recover")
    for _ in range(ROUNDS):
        held = begin(terms)

        finished, recovered = race(methodcaller("finish", held, ANSWERED), methodcaller("recover"))

        stands = queue.get(held.prompt.id)
        if isinstance(finished, ClaimLost):
            assert (stands.status, stands.failures, recovered.requeued) == (Status.QUEUED, 1, 1)
            assert queue.answer(held.prompt.id) is None
        else:
            assert (stands.outcome, stands.failures, recovered.total) == (Outcome.SUCCEEDED, 0, 0)
        queue.delete(held.prompt.id)


def test_of_two_who_cancel_one_prompt_both_are_told_the_same(queue, ask, race):
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
