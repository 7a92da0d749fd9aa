import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Answered, ErrorCode, Failed, Outcome, PromptError, Status


def test_an_unknown_id_is_not_found(queue):
    with pytest.raises(PromptNotFound, match=r"^No prompt has this id\.$"):
        queue.get("7d444840-9dc0-11d1-b245-5ffdce74fad2")


def test_a_processing_prompt_tells_its_attempt_and_start(queue, ask, terms, clock):
    prompt_id = ask()
    clock.advance(4)

    queue.claim(terms)

    prompt = queue.get(prompt_id)
    assert (prompt.status, prompt.outcome, prompt.attempt, prompt.tokens) == (Status.PROCESSING, None, 1, 0)
    assert (prompt.started_at, prompt.completed_at) == (clock.wall(), None)


def test_a_succeeded_prompt_tells_its_tokens_and_times(queue, ask, terms, clock):
    prompt_id, asked = ask(), clock.wall()
    claim = queue.claim(terms)
    clock.advance(4)

    queue.finish(claim, Answered(record={"response": "yes"}, tokens=17))

    prompt = queue.get(prompt_id)
    assert (prompt.status, prompt.outcome, prompt.tokens) == (Status.COMPLETED, Outcome.SUCCEEDED, 17)
    assert (prompt.created_at, prompt.started_at, prompt.completed_at) == (asked, asked, asked + 4)
    assert prompt.error is None


def test_a_failed_prompt_tells_why(queue, ask, terms):
    prompt_id = ask()

    queue.finish(queue.claim(terms), Failed(cause="no such tool", code=ErrorCode.MODEL_REFUSED))

    prompt = queue.get(prompt_id)
    assert prompt.outcome is Outcome.FAILED
    assert prompt.error == PromptError(code=ErrorCode.MODEL_REFUSED, message="no such tool")


def test_a_reader_waits_for_no_writer_and_sees_nothing_uncommitted(queue, another, ask):
    prompt_id = ask()

    with queue.transaction():
        queue.cancel(prompt_id)
        seen = another.get(prompt_id)

    assert seen.status is Status.QUEUED
    assert another.get(prompt_id).status is Status.COMPLETED


def test_a_queued_prompt_is_overdue_once_it_waited_as_long_as_it_may(queue, ask, clock):
    prompt_id = ask(expires_in=10)

    clock.advance(9.5)
    before = queue.get(prompt_id).overdue
    clock.advance(0.5)

    assert (before, queue.get(prompt_id).overdue) == (False, True)


def test_a_processing_prompt_is_overdue_once_its_lease_is_over(queue, ask, hire, clock):
    prompt_id = ask()
    queue.claim(hire(lease_seconds=15).terms)

    clock.advance(14.5)
    before = queue.get(prompt_id).overdue
    clock.advance(0.5)

    assert (before, queue.get(prompt_id).overdue) == (False, True)


def test_a_processing_prompt_is_overdue_a_moment_after_its_time_to_run(queue, ask, hire, clock):
    prompt_id = ask(timeout=5)
    queue.claim(hire(lease_seconds=15).terms)

    clock.advance(5.5)  # its own worker, which knows the last of its text, comes first
    before = queue.get(prompt_id).overdue
    clock.advance(0.5)

    assert (before, queue.get(prompt_id).overdue) == (False, True)


def test_a_prompt_processed_in_another_boot_is_overdue(queue, ask, terms, clock):
    prompt_id = ask()
    queue.claim(terms)

    clock.reboot()

    assert queue.get(prompt_id).overdue


def test_a_processing_prompt_no_longer_expires(queue, ask, terms, clock):
    prompt_id = ask(expires_in=10)
    queue.claim(terms)

    clock.advance(10)

    assert not queue.get(prompt_id).overdue


def test_a_completed_prompt_is_never_overdue(queue, ask, terms, clock, answered):
    prompt_id = ask(expires_in=10, timeout=10)
    queue.finish(queue.claim(terms), answered)

    clock.advance(10_000)
    clock.reboot()

    assert not queue.get(prompt_id).overdue
