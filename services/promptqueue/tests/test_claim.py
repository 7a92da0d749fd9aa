import dataclasses

import pytest
from promptqueue.prompt import Failed, NewPrompt, Priority, Status


def claimed(queue, terms):
    claim = queue.claim(terms)
    return claim and claim.prompt.id


def test_an_empty_queue_has_nothing_to_start(queue, terms):
    assert queue.claim(terms) is None


def test_a_claim_carries_what_its_worker_needs(queue, ask, terms, clock):
    prompt_id = ask("hello", metadata={"a": 1})
    clock.advance(2)

    claim = queue.claim(terms)

    assert claim.prompt == queue.get(prompt_id)
    assert (claim.prompt.status, claim.prompt.started_at) == (Status.PROCESSING, clock.wall())
    assert claim.request == {"prompt": "hello"}
    assert claim.terms == terms
    assert claim.attempt == 1


def test_first_come_first_served(queue, ask, terms):
    ids = [ask() for _ in range(4)]

    assert [claimed(queue, terms) for _ in range(5)] == [*ids, None]


def test_interactive_prompts_come_first(queue, ask, terms):
    batch = [ask(priority=Priority.BATCH) for _ in range(2)]
    interactive = [ask() for _ in range(2)]

    assert [claimed(queue, terms) for _ in range(4)] == interactive + batch


def test_a_prompt_is_handed_to_one_caller_alone(queue, another, ask, terms):
    ask()

    assert (queue.claim(terms) is None, another.claim(terms) is None) == (False, True)


def test_processes_that_claim_at_once_never_get_the_same_prompt(queue, run):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(60)))
    program = """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import Terms

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
with storage.register(slots=1) as presence:
    print("ready", flush=True)
    sys.stdin.readline()
    while claim := queue.claim(Terms(worker=presence.id)):
        print(claim.prompt.id, claim.attempt)
"""
    claimers = [run(program) for _ in range(4)]
    assert [claimer.read() for claimer in claimers] == ["ready"] * 4

    for claimer in claimers:
        claimer.say()
    words = [word for claimer in claimers for word in claimer.output()]

    assert sorted(words[::2]) == sorted(one.prompt.id for one in accepted)
    assert set(words[1::2]) == {"1"}


def test_every_claim_raises_the_attempt(queue, ask, terms):
    ask()
    attempts = []

    for _ in range(3):
        claim = queue.claim(terms)
        attempts.append(claim.attempt)
        queue.release(claim)

    assert attempts == [1, 2, 3]


def test_a_paused_queue_starts_nothing(queue, ask, terms):
    prompt_id = ask()

    queue.pause(True)
    while_paused = queue.claim(terms)
    queue.pause(False)

    assert while_paused is None
    assert claimed(queue, terms) == prompt_id


def test_a_retry_that_must_wait_blocks_nobody_and_keeps_its_place(queue, ask, hire, clock):
    first, second, third = ask(), ask(), ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    while_waiting = claimed(queue, terms)
    clock.advance(2)
    afterwards = claimed(queue, terms)

    assert (while_waiting, afterwards) == (second, first)
    assert claimed(queue, terms) == third


def test_a_wait_is_over_exactly_when_it_is_over(queue, ask, hire, clock):
    prompt_id = ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    clock.advance(1.5)
    before = claimed(queue, terms)
    clock.advance(0.5)

    assert (before, claimed(queue, terms)) == (None, prompt_id)


def test_a_wait_of_another_boot_is_over(queue, ask, hire, clock):
    prompt_id = ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    clock.reboot()  # the monotonic clock begins anew, far below the end of the wait

    assert claimed(queue, terms) == prompt_id


def test_the_wall_clock_shortens_no_wait(queue, ask, hire, clock):
    ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    clock.step_wall(3_600)

    assert claimed(queue, terms) is None


def test_a_claim_forgets_the_wait_before_it(queue, ask, hire):
    prompt_id = ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))
    queue._clock.advance(2)

    queue.release(queue.claim(terms))

    assert claimed(queue, terms) == prompt_id


def test_a_prompt_that_waited_as_long_as_it_may_is_passed_over(queue, ask, terms, clock):
    ask(expires_in=10)
    fresh = ask()

    clock.advance(10)

    assert claimed(queue, terms) == fresh
    assert queue.claim(terms) is None


def test_a_prompt_is_claimed_until_just_before_it_expires(queue, ask, terms, clock):
    prompt_id = ask(expires_in=10)

    clock.advance(9.5)

    assert claimed(queue, terms) == prompt_id


def test_when_all_must_wait_there_is_nothing_to_start(queue, ask, hire, clock):
    terms = hire(max_failures=9).terms
    ask()
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))
    ask(expires_in=1)
    clock.advance(1)

    assert queue.claim(terms) is None


def test_an_idle_worker_waits_for_no_turn(queue, another, terms):
    with queue.transaction():
        assert another.claim(terms) is None


def test_the_lease_and_the_time_to_run_begin_at_the_claim(queue, ask, hire, clock):
    prompt_id = ask(timeout=100)
    terms = hire(lease_seconds=20, timeout_seconds=50).terms
    clock.advance(1_000)

    queue.claim(terms)

    [row] = queue._database.run("SELECT * FROM prompts WHERE id = :id", id=prompt_id)
    assert (row["leased_until"], row["run_until"]) == (clock.monotonic() + 20, clock.monotonic() + 50)
    assert (row["worker"], row["boot"]) == (terms.worker, clock.boot)


@pytest.mark.parametrize(("own", "allowed"), [(None, 50), (7, 7), (50, 50), (700, 50)])
def test_a_prompts_own_timeout_can_only_be_shorter(queue, ask, hire, clock, own, allowed):
    ask(timeout=own)

    queue.claim(hire(timeout_seconds=50).terms)

    [row] = queue._database.run("SELECT run_until FROM prompts")
    assert row["run_until"] == clock.monotonic() + allowed


def test_a_later_attempt_begins_without_tokens(queue, ask, hire):
    ask()
    terms = hire(max_failures=9).terms
    claim = queue.claim(terms)
    queue.write(claim, "Ray", offset=0, tokens=40)
    queue.finish(claim, Failed(cause="reset"))

    assert queue.claim(terms).prompt.tokens == 0


def test_a_claim_cannot_be_changed(queue, ask, terms):
    ask()
    claim = queue.claim(terms)

    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.terms = None


def test_the_next_in_line_is_found_by_the_index_of_the_line(queue):
    plan = queue._database.run(
        "EXPLAIN QUERY PLAN SELECT seq FROM prompts WHERE status = 'queued'"
        " AND (not_before IS NULL OR not_before <= 5) ORDER BY priority DESC, seq LIMIT 1"
    )

    assert [row["detail"] for row in plan] == ["SCAN prompts USING INDEX prompts_in_line"]
