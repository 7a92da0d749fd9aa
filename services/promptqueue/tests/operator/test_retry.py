"""retry: one by its id, or all that ended so since then."""

import time

import pytest
from promptqueue.prompt import ErrorCode, Failed, NewPrompt

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])

NOBODYS_ID = "4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"
HOUR = 3600


@pytest.fixture
def fail(queue, ask, hire):
    """Ask and have it fail so; its id."""
    terms = hire(max_failures=1).terms

    def fail_one(code=None, text="Why?"):
        prompt_id = ask(text)
        queue.finish(queue.claim(terms), Failed(cause="the server was away", code=code))
        return prompt_id

    return fail_one


@pytest.fixture
def today(clock):
    """A clock that in three hours is the machine's, by which `--since` is meant."""
    clock.step_wall(time.time() - clock.wall() - 3 * HOUR)
    return clock


def test_a_failed_prompt_is_queued_again_at_the_end_of_the_line(operate, queue, fail, ask):
    failed, waiting = fail(), ask()

    done = operate(f"retry {failed}")

    assert (done.code, done.out) == (0, f"{failed}  queued again\n")
    assert [queue.position(each) for each in (waiting, failed)] == [1, 2]


def test_what_waits_already_stays_where_it_is(operate, queue, ask):
    first, second = ask(), ask()

    done = operate(f"retry {first} --json")

    assert (done.code, done.json["unchanged"], done.json["retried"]) == (0, [first], [])
    assert [queue.position(each) for each in (first, second)] == [1, 2]


def test_each_that_is_refused_is_named_with_the_reason_and_the_others_go_on(operate, queue, fail, finish):
    refused, answered, failed = fail(ErrorCode.MODEL_REFUSED), finish(), fail()

    people = operate(f"retry {refused} {answered} {NOBODYS_ID} {failed}")
    script = operate(f"retry {refused} {NOBODYS_ID} --json")

    assert people.code == script.code == 1
    assert people.out.splitlines() == [
        f"{failed}  queued again",
        f"{refused}  not retried: The prompt would be refused again for the same reason. Submit another one.",
        f"{answered}  not retried: The prompt has its answer. Submit it again for another one.",
    ]
    assert people.err == f"Error: No prompt has the id {NOBODYS_ID}.\n"
    assert [each["id"] for each in script.json["not_retryable"]] == [refused]
    assert script.json["not_found"] == [NOBODYS_ID]
    assert queue.get(failed).status == "queued"


def test_after_an_outage_all_that_failed_since_are_retried_in_their_order(operate, queue, fail, finish, ask, today):
    old = fail()
    today.advance(3 * HOUR)
    failed, answered, cancelled = [fail() for _ in range(45)], finish(), queue.cancel(ask()).id
    refused = fail(ErrorCode.PROMPT_TOO_LONG)

    counted = operate("retry --outcome failed --since 2h --dry-run")
    before = queue.counts().queued
    done = operate("retry --outcome failed --since 2h")

    assert counted.out.startswith("45 prompts would be queued again.\n1 prompt not: The prompt would be refused again")
    assert (counted.code, before) == (0, 0)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("45 prompts queued again.\n1 prompt not: ")
    assert [queue.position(each) for each in failed] == list(range(1, 46))
    assert [queue.get(each).outcome for each in (old, answered, cancelled, refused)] == [
        "failed",
        "succeeded",
        "cancelled",
        "failed",
    ]


def test_without_a_time_all_that_ended_so_are_retried(operate, queue, ask):
    cancelled = [queue.cancel(ask()).id for _ in range(2)]

    done = operate("retry --outcome cancelled --json")

    assert sorted(done.json["retried"]) == sorted(cancelled)
    assert queue.counts().queued == 2


def test_one_whose_text_was_erased_is_not_retried_and_not_counted_as_if(operate, queue, ask, clock):
    queue.cancel(ask())
    clock.advance(3_600)
    queue.erase_unrun(older_than=60)

    counted = operate("retry --outcome cancelled --dry-run --json")

    assert counted.json["retried"] == []
    assert "its text was erased since" in counted.json["not_retryable"][0]["reason"]


@pytest.mark.parametrize(
    "line",
    ["retry", f"retry {NOBODYS_ID} --outcome failed", f"retry {NOBODYS_ID} --since 2h", "retry --since 2h"],
)
def test_what_is_to_be_retried_is_said_in_one_way(operate, queue, line):
    done = operate(line)

    assert done.code == 2
    assert "Name the prompts by their ids, or by --outcome and, if you like, --since." in done.err


def test_what_succeeded_cannot_be_asked_for(operate, queue):
    assert operate("retry --outcome succeeded").code == 2


def test_show_tells_why_it_was_put_back(operate, queue, ask, terms):
    prompt_id = ask()
    queue.release(queue.claim(terms), reason="the model server\x1b[2J went away")

    people, script = operate(f"show {prompt_id}"), operate(f"show {prompt_id} --json")

    assert "\nput back  the model server\\u001b[2J went away" in people.out
    assert script.json["last_error"] == "the model server\x1b[2J went away"


def test_more_than_a_page_is_found(operate, queue, monkeypatch):
    monkeypatch.setattr("promptqueue.operator.retry.PAGE", 7)
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(20)))
    with queue.transaction():
        for one in accepted:
            queue.cancel(one.prompt.id)

    done = operate("retry --outcome cancelled --json")

    assert done.json["retried"] == [one.prompt.id for one in accepted]
