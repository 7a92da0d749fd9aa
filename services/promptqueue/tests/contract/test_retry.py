"""retry: under the same id at the end of the line, and as if for the first time."""

import pytest
from promptqueue.errors import NotRetryable, PromptNotFound, QueueFull
from promptqueue.prompt import ErrorCode, Failed, Outcome, PutBack, Status, Trouble

EXHAUSTED = Failed(cause="reset", code=ErrorCode.ATTEMPTS_EXHAUSTED)


@pytest.fixture
def failed(queue, begin):
    """A prompt that was asked first, and failed for good."""
    return queue.finish(begin(text="hello", expires_in=60), EXHAUSTED).id


def test_a_failed_prompt_goes_to_the_end_of_the_line_under_its_id(queue, ask, failed):
    others = [ask(), ask()]

    prompt = queue.retry(failed)

    assert (prompt.id, prompt.status, prompt.outcome, prompt.error) == (failed, Status.QUEUED, None, None)
    assert (prompt.started_at, prompt.completed_at, prompt.tokens, prompt.last_error) == (None, None, None, None)
    assert [queue.position(one) for one in (*others, failed, ask())] == [1, 2, 3, 4]
    assert (queue.counts().queued, queue.counts().completed) == (4, 0)


def test_the_next_attempt_has_the_next_number_and_the_same_request(queue, failed, terms):
    queue.retry(failed)

    claim = queue.claim(terms)

    assert (claim.prompt.id, claim.attempt, claim.request) == (failed, 2, {"prompt": "hello"})


def test_the_budget_begins_anew(queue, ask, hire, clock):
    prompt_id, terms = ask(), hire(max_failures=2).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), PutBack(cause="reset", counts=True))
        clock.advance(60)
    assert queue.get(prompt_id).outcome is Outcome.FAILED

    queue.retry(prompt_id)

    claim = queue.claim(terms)
    assert (claim.prompt.failures, claim.trouble) == (0, Trouble())
    assert queue.finish(claim, PutBack(cause="reset", counts=True)).status is Status.QUEUED


def test_the_time_that_it_may_wait_begins_anew_each_time(queue, failed, clock):
    for _ in range(3):
        clock.advance(3600)
        assert queue.retry(failed).expires_at == clock.wall() + 60
        queue.cancel(failed)


def test_what_was_cancelled_or_expired_can_be_retried(queue, ask, clock):
    cancelled, expired = ask(), ask(expires_in=1)
    queue.cancel(cancelled)
    clock.advance(2)
    queue.recover()

    assert [queue.retry(one).status for one in (cancelled, expired)] == [Status.QUEUED, Status.QUEUED]


def test_what_waits_or_runs_stays_as_it_is(queue, begin, ask):
    claim, waiting = begin(), ask()
    running = claim.prompt.id

    assert [queue.retry(one) for one in (running, waiting)] == [queue.get(running), queue.get(waiting)]
    queue.renew(claim)


def test_what_succeeded_is_not_asked_again(queue, begin, answered):
    prompt_id = queue.finish(begin(), answered).id

    with pytest.raises(NotRetryable, match="has its answer"):
        queue.retry(prompt_id)
    assert queue.get(prompt_id).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("code", [ErrorCode.MODEL_REFUSED, ErrorCode.PROMPT_TOO_LONG])
def test_what_would_be_refused_again_is_not_asked_again(queue, begin, code):
    prompt_id = queue.finish(begin(), Failed(cause="no", code=code)).id

    with pytest.raises(NotRetryable, match="refused again"):
        queue.retry(prompt_id)


def test_a_full_line_takes_no_retry_either(queue, ask, failed):
    ask()

    with pytest.raises(QueueFull):
        queue.retry(failed, max_queued=1)
    assert queue.get(failed).outcome is Outcome.FAILED


def test_an_unknown_prompt_is_not_found(queue, unknown):
    with pytest.raises(PromptNotFound):
        queue.retry(unknown)


def test_the_text_that_had_come_stays_until_the_next_attempt_has_some(queue, begin, terms):
    claim = begin()
    queue.write(claim, "Ray", offset=0, tokens=1)
    queue.finish(claim, EXHAUSTED)

    queue.retry(claim.prompt.id)
    before = queue.partial(claim.prompt.id)
    queue.write(queue.claim(terms), "Because", offset=0, tokens=1)

    assert (before, queue.partial(claim.prompt.id)) == ("Ray", "Because")


def test_the_longest_wait_is_counted_from_the_retry(queue, failed, clock):
    clock.advance(3600)
    queue.retry(failed)
    clock.advance(5)

    assert queue.counts().oldest_wait_seconds == pytest.approx(5)
