"""claim: each prompt to one caller, in order; none that may not be started."""

import dataclasses

import pytest
from promptqueue.lifecycle import GRACE
from promptqueue.prompt import Failed, Priority, Status


@pytest.fixture
def claimed(queue, terms):
    """Claim; the id of the prompt that came."""

    def claim():
        claim = queue.claim(terms)
        return claim and claim.prompt.id

    return claim


def test_a_claim_carries_what_its_worker_needs(queue, ask, terms, clock):
    prompt_id = ask("hello", metadata={"a": 1})
    clock.advance(2)

    claim = queue.claim(terms)

    assert claim.prompt == queue.get(prompt_id)
    assert (claim.prompt.status, claim.prompt.started_at) == (Status.PROCESSING, clock.wall())
    assert claim.request == {"prompt": "hello"}
    assert claim.terms == terms
    assert claim.attempt == 1


def test_first_come_first_served_until_there_is_nothing_to_start(ask, claimed):
    ids = [ask() for _ in range(4)]

    assert [claimed() for _ in range(5)] == [*ids, None]


def test_interactive_prompts_come_first(ask, claimed):
    batch = [ask(priority=Priority.BATCH) for _ in range(2)]
    interactive = [ask() for _ in range(2)]

    assert [claimed() for _ in range(4)] == interactive + batch


def test_a_prompt_is_handed_to_one_caller_alone(queue, another, ask, terms):
    ask()

    assert (queue.claim(terms) is None, another.claim(terms) is None) == (False, True)


def test_every_claim_raises_the_attempt(queue, ask, terms):
    ask()
    attempts = []

    for _ in range(3):
        claim = queue.claim(terms)
        attempts.append(claim.attempt)
        queue.release(claim)

    assert attempts == [1, 2, 3]


def test_a_retry_that_must_wait_blocks_nobody_and_keeps_its_place(ask, fail, claimed, clock):
    first, second, third = ask(), ask(), ask()
    fail(2)

    while_waiting = claimed()
    clock.advance(2)

    assert [while_waiting, claimed(), claimed()] == [second, first, third]


def test_a_wait_is_over_exactly_when_it_is_over(ask, fail, claimed, clock):
    prompt_id = ask()
    fail(2)

    clock.advance(1.5)
    before = claimed()
    clock.advance(0.5)

    assert (before, claimed()) == (None, prompt_id)


def test_the_wall_clock_shortens_no_wait(ask, fail, claimed, clock):
    ask()
    fail(2)

    clock.step_wall(3_600)

    assert claimed() is None


def test_a_claim_forgets_the_wait_before_it(queue, ask, fail, terms, claimed, clock):
    prompt_id = ask()
    fail(2)
    clock.advance(2)

    queue.release(queue.claim(terms))

    assert claimed() == prompt_id


def test_a_prompt_that_waited_as_long_as_it_may_is_passed_over(ask, claimed, clock):
    ask(expires_in=10)
    fresh = ask()

    clock.advance(10)

    assert [claimed(), claimed()] == [fresh, None]


def test_a_prompt_is_claimed_until_just_before_it_expires(ask, claimed, clock):
    prompt_id = ask(expires_in=10)

    clock.advance(9.5)

    assert claimed() == prompt_id


def test_when_all_must_wait_there_is_nothing_to_start(ask, fail, claimed, clock):
    ask()
    fail(2)
    ask(expires_in=1)
    clock.advance(1)

    assert claimed() is None


def test_an_idle_worker_waits_for_no_turn(queue, another, terms):
    with queue.transaction():
        assert another.claim(terms) is None


@pytest.mark.parametrize(("own", "allowed"), [(None, 50), (7, 7), (50, 50), (700, 50)])
def test_the_time_to_run_begins_at_the_claim_and_a_prompts_own_can_only_be_shorter(
    queue, ask, hire, clock, own, allowed
):
    prompt_id = ask(timeout=own)
    clock.advance(1_000)
    queue.claim(hire(lease_seconds=2_000, timeout_seconds=50).terms)

    clock.advance(allowed + GRACE - 0.5)
    before = queue.get(prompt_id).overdue
    clock.advance(0.5)

    assert (before, queue.get(prompt_id).overdue) == (False, True)


def test_a_later_attempt_begins_without_tokens(queue, begin, terms):
    claim = begin()
    queue.write(claim, "Ray", offset=0, tokens=40)
    queue.finish(claim, Failed(cause="reset"))

    assert queue.claim(terms).prompt.tokens == 0


def test_a_claim_cannot_be_changed(begin):
    with pytest.raises(dataclasses.FrozenInstanceError):
        begin().terms = None


def test_a_prompt_says_for_which_server_it_was_claimed_last(queue, ask, terms, answered):
    prompt_id, told = ask(), [queue.get(ask()).server]
    for server in ("http://a:11434", "", "http://b:11434"):
        claim = queue.claim(dataclasses.replace(terms, server=server))
        told.append(claim.prompt.server)
        queue.release(claim)
        assert queue.get(prompt_id).server == told[-1]

    queue.finish(queue.claim(dataclasses.replace(terms, server="http://ü@a:1/x?y")), answered)

    assert told == [None, "http://a:11434", None, "http://b:11434"]
    assert queue.get(prompt_id).server == "http://ü@a:1/x?y"
