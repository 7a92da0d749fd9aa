"""renew: another lease from now, and nothing else."""


def test_a_renewed_claim_holds_for_another_lease_from_now_and_no_longer(queue, begin, clock):
    claim = begin()

    for _ in range(10):
        clock.advance(14)
        queue.renew(claim)
    clock.advance(14.5)
    before = queue.recover()
    clock.advance(0.5)

    assert (before.total, queue.recover().requeued) == (0, 1)


def test_renewing_changes_nothing_that_is_shown(queue, begin, clock):
    claim = begin()
    queue.write(claim, "Ray", offset=0, tokens=3)
    before = queue.get(claim.prompt.id)
    clock.advance(5)

    queue.renew(claim)

    assert queue.get(claim.prompt.id) == before
