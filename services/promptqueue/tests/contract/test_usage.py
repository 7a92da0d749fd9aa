"""usage, measures: what owners had of the model, however prompts end."""

from math import inf

import pytest
from promptqueue.condition import BOUNDS
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Outcome

DAY = 24 * 3600.0
TODAY, TOMORROW = "2023-11-14", "2023-11-15"  # by the tests' clock
NOTHING = dict.fromkeys(["succeeded", "failed", "cancelled", "expired", "prompt_tokens", "tokens"], 0)
READ = Answered(record={"response": "Rayleigh.", "prompt_eval_count": 7}, tokens=3)


@pytest.fixture
def anna(queue):
    """The number of an owner who has a key."""
    return queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number


@pytest.fixture
def ask(queue):
    def ask_one(owner=0, **values):
        return queue.enqueue(NewPrompt(request={}, owner=owner, **values))[0].prompt.id

    return ask_one


@pytest.fixture
def run(queue, ask, terms, clock):
    """Ask a prompt, let it wait and run for so many seconds and write four tokens; its claim."""

    def run_one(owner=0, *, waits=0.0, runs=0.0):
        ask(owner)
        clock.advance(waits)
        claim = queue.claim(terms)
        clock.advance(runs)
        queue.write(claim, "some text", offset=0, tokens=4)
        return claim

    return run_one


def told(queue, **wanted):
    """What is not nothing of each day."""
    return [
        {name: value for name in ("day", "owner", *NOTHING, "seconds") if (value := getattr(each, name))}
        for each in queue.usage(**wanted)
    ]


def end(queue, claim, how):
    match how:
        case "answer":
            queue.finish(claim, READ)
        case "fail":
            queue.finish(claim, Failed(cause="so", code=ErrorCode.MODEL_REFUSED))
        case "cancel":
            queue.cancel(claim.prompt.id)
        case "delete":
            queue.delete(claim.prompt.id)


ENDS = {
    "answer": {"succeeded": 1, "prompt_tokens": 7, "tokens": 3},
    "fail": {"failed": 1, "tokens": 4},
    "cancel": {"cancelled": 1, "tokens": 4},
    "delete": {"cancelled": 1, "tokens": 4},
}


@pytest.mark.parametrize("how", ENDS)
def test_however_a_running_prompt_ends_its_owner_had_its_tokens_and_seconds(queue, anna, run, how):
    end(queue, run(anna, waits=1.0, runs=2.5), how)

    assert told(queue) == [{"day": TODAY, "owner": "anna", **ENDS[how], "seconds": 2.5}]


@pytest.mark.parametrize("how", ["cancel", "delete", "recover", "settle"])
def test_a_prompt_that_ends_while_it_waits_had_nothing_and_is_counted(queue, anna, ask, clock, how):
    prompt_id = ask(anna, expires_in=5.0)
    clock.advance(5)
    queue.recover() if how == "recover" else getattr(queue, how)(prompt_id)

    outcome = {"recover": "expired", "settle": "expired"}.get(how, "cancelled")
    assert told(queue) == [{"day": TODAY, "owner": "anna", outcome: 1}]


def test_an_attempt_that_does_not_end_its_prompt_counts_nothing(queue, run, terms):
    queue.release(run())
    queue.finish(queue.claim(terms), Failed(cause="so"))

    assert queue.usage() == []


def test_a_prompt_that_is_lost_for_good_has_failed_and_nobody_had_the_seconds(queue, hire, ask, clock):
    ask()
    for _ in range(3):
        worker = hire()
        assert queue.claim(worker.terms)
        clock.advance(5)
        worker.die()
        queue.recover()
        clock.advance(60)

    assert [(each.failed, each.tokens, each.seconds) for each in queue.usage()] == [(1, 0, 0.0)]


def test_a_prompt_that_ran_too_long_had_the_seconds_though_its_worker_does_not_say_so(queue, hire, ask, clock):
    ask()
    worker = hire(timeout_seconds=5.0)
    claim = queue.claim(worker.terms)
    clock.advance(5)
    queue.renew(claim)
    clock.advance(2)
    queue.recover()

    assert [(each.failed, each.seconds) for each in queue.usage()] == [(1, 7.0)]


def test_a_prompt_that_is_retried_counts_each_time_that_it_ends(queue, run, terms):
    prompt_id = run().prompt.id
    queue.cancel(prompt_id)
    queue.retry(prompt_id)
    queue.finish(queue.claim(terms), READ)

    [usage] = queue.usage()
    assert (usage.cancelled, usage.succeeded, usage.tokens) == (1, 1, 7)


def test_usage_stays_when_prompts_are_erased(queue, run, clock):
    end(queue, run(), "answer")
    before = queue.usage()
    clock.advance(10)

    assert queue.prune(older_than=5) == 1

    assert queue.usage() == before


def test_days_are_told_the_last_first_and_owners_by_name_and_as_wanted(queue, anna, run, clock):
    berta = queue.add_key(new_key(), owner="berta", role=Role.USER).owner.number
    for owner in (berta, anna):
        end(queue, run(owner), "answer")
    clock.advance(DAY)
    end(queue, run(anna), "answer")

    def days(**wanted):
        return [(each.day, each.owner) for each in queue.usage(**wanted)]

    assert days() == [(TOMORROW, "anna"), (TODAY, "anna"), (TODAY, "berta")]
    assert days(owner=anna) == [(TOMORROW, "anna"), (TODAY, "anna")]
    assert days(since=TOMORROW) == days(until=TOMORROW, since=TOMORROW) == [(TOMORROW, "anna")]
    assert days(until=TODAY, owner=berta) == [(TODAY, "berta")]
    assert days(owner=99) == []


@pytest.mark.parametrize("count", [None, -1, 2**70, "seven", 1.5, True])
def test_a_number_of_a_model_server_that_is_none_counts_nothing(queue, begin, count):
    claim = begin()

    queue.finish(claim, Answered(record={"prompt_eval_count": count}, tokens=1))

    assert [(each.prompt_tokens, each.succeeded) for each in queue.usage()] == [(0, 1)]


# ---- measures --------------------------------------------------------------------------------------------------------


def test_measures_are_of_all_owners_and_survive_what_is_erased(queue, anna, ask, run):
    for how in ENDS:
        end(queue, run(anna, runs=1.0), how)
    queue.delete(ask())
    for prompt in queue.newest().prompts:
        queue.delete(prompt.id)

    measures = queue.measures()
    assert measures.ended == {Outcome.SUCCEEDED: 1, Outcome.FAILED: 1, Outcome.CANCELLED: 3, Outcome.EXPIRED: 0}
    assert (measures.prompt_tokens, measures.tokens) == (7, 15)
    assert (measures.running.count, measures.running.seconds) == (4, 4.0)


def test_how_long_prompts_waited_and_ran_is_told_by_upper_bounds(queue, run):
    for waits, runs in [(0.0, 0.1), (0.5, 3.0), (7_200.0, 30.0)]:
        end(queue, run(waits=waits, runs=runs), "cancel")

    waiting, running = queue.measures().waiting, queue.measures().running
    assert [*waiting.buckets] == [*running.buckets] == [*BOUNDS]
    assert [waiting.buckets[each] for each in (0.1, 0.25, 0.5, 3_600.0, inf)] == [1, 1, 2, 2, 3]
    assert [running.buckets[each] for each in (2.5, 5.0, 10.0, 30.0, inf)] == [1, 2, 2, 3, 3]
    assert waiting.seconds == pytest.approx(7_200.5)
    assert running.seconds == pytest.approx(33.1)


def test_who_was_never_started_did_neither_wait_nor_run(queue, ask):
    queue.cancel(ask())

    assert (queue.measures().waiting.count, queue.measures().running.count) == (0, 0)


def test_a_wall_clock_that_goes_back_makes_no_wait_less_than_nothing(queue, ask, terms, clock):
    ask()
    clock.step_wall(-3_600.0)
    queue.finish(queue.claim(terms), READ)

    assert (queue.measures().waiting.count, queue.measures().waiting.seconds) == (1, 0.0)
