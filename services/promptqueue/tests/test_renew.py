import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Status


def test_a_renewed_claim_holds_for_another_lease_from_now(queue, ask, hire, clock):
    prompt_id = ask()
    claim = queue.claim(hire(lease_seconds=15).terms)

    for _ in range(10):
        clock.advance(14)
        queue.renew(claim)
    clock.advance(14.5)
    recovered = queue.recover()

    assert recovered.total == 0
    assert queue.get(prompt_id).status is Status.PROCESSING


def test_a_renewed_claim_is_over_one_lease_after_the_renewal(queue, ask, hire, clock):
    ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(10)

    queue.renew(claim)
    clock.advance(15)

    assert queue.recover().requeued == 1


def test_a_claim_that_nobody_took_back_can_be_renewed_late(queue, ask, hire, clock):
    prompt_id = ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(100)

    queue.renew(claim)

    assert not queue.get(prompt_id).overdue


def test_a_claim_that_was_taken_back_is_lost(queue, another, ask, hire, clock):
    ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    another.recover()

    with pytest.raises(ClaimLost):
        queue.renew(claim)


def test_a_stale_claim_cannot_be_renewed_while_a_newer_attempt_runs(queue, ask, hire, clock):
    ask()
    stale = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    queue.recover()
    queue.claim(hire(lease_seconds=15).terms)

    with pytest.raises(ClaimLost):
        queue.renew(stale)

    clock.advance(15)
    assert queue.recover().requeued == 1


def test_a_finished_claim_cannot_be_renewed(queue, ask, terms, answered):
    ask()
    claim = queue.claim(terms)
    queue.finish(claim, answered)

    with pytest.raises(ClaimLost):
        queue.renew(claim)


def test_renewing_gives_no_more_time_to_run(queue, ask, hire, clock):
    prompt_id = ask(timeout=20)
    claim = queue.claim(hire(lease_seconds=15).terms)

    clock.advance(14)
    queue.renew(claim)
    clock.advance(7)
    queue.recover()

    assert queue.get(prompt_id).error.code == "timed_out"


def test_renewing_changes_nothing_that_is_shown(queue, ask, terms, clock):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "Ray", offset=0, tokens=3)
    before = queue.get(prompt_id)
    clock.advance(5)

    queue.renew(claim)

    assert queue.get(prompt_id) == before


def test_a_renewal_leaves_the_next_commit_waiting_for_the_disk(queue, ask, terms, synchronous):
    ask()

    queue.renew(queue.claim(terms))

    assert synchronous() == 2
