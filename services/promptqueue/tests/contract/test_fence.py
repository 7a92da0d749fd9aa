"""A claim that no longer holds is good for nothing, however it was lost and whatever it is used for."""

import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Answered, Failed, PutBack

LATE = Answered(record={"response": "late"}, tokens=9)
VERBS = {
    "renew": lambda queue, claim: queue.renew(claim),
    "write": lambda queue, claim: queue.write(claim, "late", offset=0, tokens=9),
    "answer": lambda queue, claim: queue.finish(claim, LATE),
    "fail": lambda queue, claim: queue.finish(claim, Failed(cause="late")),
    "put back": lambda queue, claim: queue.finish(claim, PutBack(cause="late", counts=True)),
    "release": lambda queue, claim: queue.release(claim),
}


@pytest.fixture(
    params=["cancelled", "deleted", "answered", "failed", "released", "taken back", "claimed again", "retried"]
)
def lost(request, queue, another, begin, hire, answered, clock):
    """A claim that was lost to another instance, before that had written anything or after."""
    claim = begin()
    queue.write(claim, "begun", offset=0, tokens=1)
    match request.param:
        case "cancelled":
            another.cancel(claim.prompt.id)
        case "deleted":
            another.delete(claim.prompt.id)
        case "answered":
            another.finish(claim, answered)
        case "failed":
            another.finish(claim, Failed(cause="reset"))
        case "released":
            another.release(claim)
        case "retried":
            another.cancel(claim.prompt.id)
            another.retry(claim.prompt.id)
        case "taken back" | "claimed again":
            clock.advance(claim.terms.lease_seconds)
            another.recover()
    if request.param == "claimed again":
        another.write(another.claim(hire().terms), "new", offset=0, tokens=2)
    return claim


@pytest.mark.parametrize("verb", VERBS)
def test_it_changes_nothing(queue, lost, clock, verb):
    def everything():
        prompts = queue.newest().prompts
        return [(prompt, queue.answer(prompt.id), queue.text(prompt.id)) for prompt in prompts]

    before = everything()

    with pytest.raises(ClaimLost, match=r"^The claim no longer holds: .*\.$"):
        VERBS[verb](queue, lost)

    assert everything() == before
    clock.advance(lost.terms.lease_seconds)  # nor has a newer one been renewed
    assert [prompt.overdue for prompt in queue.newest().prompts if prompt.status == "processing"] in ([], [True])


def test_its_worker_goes_on_with_the_next_in_the_same_commit(queue, another, ask, begin, answered):
    claim, second = begin(), ask()
    another.cancel(claim.prompt.id)

    with queue.transaction():
        with pytest.raises(ClaimLost):
            queue.finish(claim, answered)
        following = queue.claim(claim.terms)

    assert following.prompt.id == second
    assert another.get(second).status == "processing"
    assert another.get(claim.prompt.id).outcome == "cancelled"


def test_an_answer_and_its_refusal_cannot_both_be_committed(queue, another, begin, answered):
    claim = begin()

    with queue.transaction():
        queue.cancel(claim.prompt.id)
        with pytest.raises(ClaimLost):
            queue.finish(claim, answered)

    assert another.get(claim.prompt.id).outcome == "cancelled"
    assert another.answer(claim.prompt.id) is None


@pytest.mark.parametrize("verb", ["renew", "answer"])
def test_a_claim_whose_time_is_over_holds_until_somebody_takes_the_prompt_back(queue, begin, clock, verb):
    claim = begin()
    clock.advance(100)

    VERBS[verb](queue, claim)

    prompt = queue.get(claim.prompt.id)
    assert not prompt.overdue
    assert prompt.outcome == (None if verb == "renew" else "succeeded")
