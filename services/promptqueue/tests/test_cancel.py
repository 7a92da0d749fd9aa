import pytest
from promptqueue.errors import ClaimLost, PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Outcome, Status


def test_a_queued_prompt_is_completed_as_cancelled_at_once(queue, ask, clock):
    prompt_id = ask()
    clock.advance(3)

    prompt = queue.cancel(prompt_id)

    assert (prompt.status, prompt.outcome) == (Status.COMPLETED, Outcome.CANCELLED)
    assert (prompt.completed_at, prompt.error.code) == (clock.wall(), ErrorCode.CANCELLED)
    assert prompt.error.message == "The prompt was cancelled."
    assert queue.get(prompt_id) == prompt


def test_a_cancelled_prompt_is_not_claimed(queue, ask, terms):
    queue.cancel(ask())

    assert queue.claim(terms) is None


def test_a_processing_prompt_is_cancelled_without_its_worker(queue, ask, terms):
    prompt_id = ask()
    queue.claim(terms)

    prompt = queue.cancel(prompt_id)

    assert (prompt.status, prompt.outcome, prompt.attempt) == (Status.COMPLETED, Outcome.CANCELLED, 1)


@pytest.mark.parametrize("verb", ["renew", "write", "answered", "failed", "release"])
def test_whoever_holds_the_claim_finds_it_lost(queue, another, ask, terms, answered, verb):
    prompt_id = ask()
    claim = queue.claim(terms)
    cancelled = another.cancel(prompt_id)
    verbs = {
        "renew": lambda: queue.renew(claim),
        "write": lambda: queue.write(claim, "late", offset=0, tokens=1),
        "answered": lambda: queue.finish(claim, answered),
        "failed": lambda: queue.finish(claim, Failed(cause="late")),
        "release": lambda: queue.release(claim),
    }

    with pytest.raises(ClaimLost, match=r"^The claim no longer holds: .*\.$"):
        verbs[verb]()

    assert queue.get(prompt_id) == cancelled
    assert queue.answer(prompt_id) is None
    assert queue.partial(prompt_id) == ""


def test_cancelling_again_changes_nothing(queue, ask, clock):
    prompt_id = ask()
    first = queue.cancel(prompt_id)
    clock.advance(60)

    assert queue.cancel(prompt_id) == first


def test_a_finished_prompt_is_returned_unchanged(queue, ask, terms, answered):
    prompt_id = ask()
    finished = queue.finish(queue.claim(terms), answered)

    assert queue.cancel(prompt_id) == finished
    assert queue.answer(prompt_id) == answered.record


def test_a_retry_that_waits_can_be_cancelled(queue, ask, hire, clock):
    prompt_id = ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    queue.cancel(prompt_id)

    clock.advance(60)
    assert queue.claim(terms) is None
    assert queue.get(prompt_id).failures == 2


def test_a_cancelled_prompt_stays_cancelled_whatever_the_caretakers_do(queue, ask, worker, clock):
    prompt_id = ask(expires_in=1)
    queue.claim(worker.terms)
    cancelled = queue.cancel(prompt_id)
    worker.die()
    clock.advance(10_000)

    assert queue.recover().total == 0
    assert queue.settle(prompt_id) == cancelled


def test_an_unknown_prompt_cannot_be_cancelled(queue):
    with pytest.raises(PromptNotFound):
        queue.cancel("7d444840-9dc0-11d1-b245-5ffdce74fad2")
