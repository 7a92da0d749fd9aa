"""What follows from what: the pure rules."""

import pytest
from promptqueue.condition import Recovered
from promptqueue.lifecycle import GRACE, LOST_LEASE, LOST_WORKER, TIMED_OUT, Next, after, loss, retry_delay
from promptqueue.prompt import Answered, ErrorCode, Failed, Outcome, PromptError, PutBack, Status

ANSWERED = Answered(record={}, tokens=1)


@pytest.mark.parametrize("failures", [0, 2, 9])
def test_an_answer_succeeds_whatever_went_before(failures):
    assert after(ANSWERED, failures=failures, max_failures=3) == Next(
        status=Status.COMPLETED, outcome=Outcome.SUCCEEDED, failures=failures
    )


@pytest.mark.parametrize("code", ErrorCode)
def test_a_failure_with_a_code_is_final_and_costs_nothing(code):
    assert after(Failed(cause="so", code=code), failures=1, max_failures=9) == Next(
        status=Status.COMPLETED, outcome=Outcome.FAILED, error=PromptError(code=code, message="so"), failures=1
    )


@pytest.mark.parametrize(("failures", "delay"), [(0, 0.0), (1, 2.0), (2, 4.0), (7, 60.0)])
def test_a_failure_with_budget_left_goes_back_in_line(failures, delay):
    assert after(Failed(cause="so"), failures=failures, max_failures=failures + 2) == Next(
        status=Status.QUEUED, failures=failures + 1, delay=delay, last_error="so"
    )


@pytest.mark.parametrize(("counts", "failures"), [(False, 1), (True, 2)])
def test_an_end_that_nobody_can_explain_puts_the_prompt_back_and_counts_only_where_it_is_said_to(counts, failures):
    put_back = PutBack(cause="so", counts=counts)

    assert after(put_back, failures=1, max_failures=3, bad_ends=2) == Next(
        status=Status.QUEUED,
        failures=failures,
        delay=retry_delay(3),
        last_error="so",
        is_bad_end=True,
        is_charged=counts,
    )


def test_an_end_that_nobody_can_explain_ends_a_prompt_only_where_it_counts():
    assert after(PutBack(cause="so", counts=False), failures=2, max_failures=3, bad_ends=99).outcome is None
    assert after(PutBack(cause="so", counts=True), failures=2, max_failures=3).error == PromptError(
        code=ErrorCode.ATTEMPTS_EXHAUSTED, message="Gave up after 3 failed attempts; the last: so"
    )


@pytest.mark.parametrize("budget", [1, 2, 3, 10])
def test_the_failure_that_spends_the_budget_is_the_end(budget):
    assert after(Failed(cause="so"), failures=budget - 1, max_failures=budget) == Next(
        status=Status.COMPLETED,
        outcome=Outcome.FAILED,
        error=PromptError(
            code=ErrorCode.ATTEMPTS_EXHAUSTED, message=f"Gave up after {budget} failed attempts; the last: so"
        ),
        failures=budget,
    )


def test_a_budget_made_smaller_meanwhile_is_spent():
    assert after(Failed(cause="so"), failures=5, max_failures=2).outcome is Outcome.FAILED


def test_the_first_retry_is_at_once_the_next_ones_double_up_to_a_minute():
    assert [retry_delay(failures) for failures in range(1, 10)] == [0, 2, 4, 8, 16, 32, 60, 60, 60]


def test_no_number_of_failures_is_too_large():
    assert retry_delay(1_000_000) == 60


def test_only_where_the_same_prompt_would_be_refused_again_it_is_not_worth_retrying():
    assert {code for code in ErrorCode if not code.retryable} == {ErrorCode.MODEL_REFUSED, ErrorCode.PROMPT_TOO_LONG}


def test_the_words_are_those_of_the_contract():
    assert [*Status] == ["queued", "processing", "completed"]
    assert [*Outcome] == ["succeeded", "failed", "cancelled", "expired"]


def test_the_total_recovered_is_the_sum():
    assert Recovered(requeued=1, failed=2, expired=4, cancelled=8).total == 15


def test_a_message_has_300_characters_at_most_with_what_was_said_before_it():
    ended = after(Failed(cause="x" * 300), failures=2, max_failures=3)

    assert ended.error.message.startswith("Gave up after 3 failed attempts; the last: xxx")
    assert len(ended.error.message) == 300


@pytest.mark.parametrize(
    ("now", "run_until", "leased_until", "is_alive", "lost"),
    [
        (99, 200, 100, True, None),
        (99, 200, 100, False, LOST_WORKER),
        (100, 200, 100, True, LOST_LEASE),
        (100, 200, 100, False, LOST_LEASE),
        (100, 100, 100, True, LOST_LEASE),
        (100 + GRACE - 0.5, 100, 110, True, None),
        (100 + GRACE - 0.5, 100, 110, False, LOST_WORKER),
        (100 + GRACE, 100, 110, True, TIMED_OUT),
        (100 + GRACE, 100, 100 + GRACE, True, TIMED_OUT),
        (100 + GRACE, 100, 99, True, LOST_LEASE),
    ],
)
def test_an_attempt_is_lost_by_the_deadline_that_passed_first_or_with_its_worker(
    now, run_until, leased_until, is_alive, lost
):
    assert loss(now=now, run_until=run_until, leased_until=leased_until, is_alive=is_alive) is lost
