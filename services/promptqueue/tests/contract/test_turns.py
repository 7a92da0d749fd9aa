"""Turns: whose prompt is next where several owners ask, by the seconds that each has had of the slots."""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY, PAGES
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Priority, PutBack, Terms


@pytest.fixture
def owner(queue):
    """Make an owner; the number."""
    return lambda name, **limits: _owner(queue, name, limits)


def _owner(queue, name, limits=None):
    made = queue.add_key(new_key(), owner=name, role=Role.USER).owner
    return queue.limit_owner(name, limits).number if limits else made.number


@pytest.fixture
def anna(owner):
    return owner("anna")


@pytest.fixture
def ben(owner):
    return owner("ben")


@pytest.fixture
def serve(queue, clock, terms, answered):
    """Answer so many prompts, one after the other; how many seconds each owner had."""

    def serve_some(number, seconds_of):
        had = Counter()
        for _ in range(number):
            claim = queue.claim(terms)
            clock.advance(seconds_of[claim.prompt.owner])
            queue.finish(claim, answered)
            had[claim.prompt.owner] += seconds_of[claim.prompt.owner]
        return had

    return serve_some


@pytest.fixture
def next_owners(queue, terms, answered):
    """Answer so many prompts at once; their owners."""

    def answer(number):
        claims = []
        for _ in range(number):
            claims.append(queue.claim(terms))
            queue.finish(claims[-1], answered)
        return [claim.prompt.owner for claim in claims]

    return answer


def test_two_owners_who_ask_for_the_same_are_served_in_turns(queue, ask, anna, ben, next_owners):
    for owner in [anna] * 5 + [ben] * 5:
        ask(owner=owner)

    assert next_owners(10) == [anna, ben] * 5


def test_who_asks_for_ten_times_as_long_is_served_a_tenth_as_often(ask, anna, ben, serve):
    for owner in [anna] * 20 + [ben] * 60:
        ask(owner=owner)

    had = serve(60, {anna: 20.0, ben: 2.0})

    assert abs(had[anna] - had[ben]) <= 20 + 2


def test_who_sent_hundreds_keeps_nobody_waiting_beyond_a_fair_share(queue, clock, terms, answered, owner):
    flooding, light = owner("flood"), [owner(f"light{n}") for n in range(9)]
    queue.enqueue(*[NewPrompt(request={}, owner=flooding)] * 200)
    waited = []
    for _ in range(5):
        asked = {one: clock.wall() for one in light}
        queue.enqueue(*[NewPrompt(request={}, owner=one) for one in light])
        while asked:
            claim = queue.claim(terms)
            clock.advance(2.0)
            queue.finish(claim, answered)
            if since := asked.pop(claim.prompt.owner, None):
                waited.append(clock.wall() - since)

    assert max(waited) <= 2 * 10 * 2.0


def test_everybody_has_three_times_as_much_as_the_pages_of_others(ask, serve):
    for _ in range(60):
        ask(owner=EVERYBODY)
        ask(owner=PAGES)

    had = serve(40, {EVERYBODY: 2.0, PAGES: 2.0})

    assert (had[EVERYBODY], had[PAGES]) == (60.0, 20.0)


def test_another_weight_counts_from_then_on(queue, ask, anna, ben, serve):
    for _ in range(60):
        ask(owner=anna)
        ask(owner=ben)
    serve(10, {anna: 2.0, ben: 2.0})

    queue.limit_owner("anna", {}, weight=4.0)

    assert serve(20, {anna: 2.0, ben: 2.0}) == {anna: 32.0, ben: 8.0}


def test_batch_prompts_have_a_tenth_of_the_time_beside_interactive_ones(queue, clock, terms, answered):
    queue.enqueue(*[NewPrompt(request={}, priority=lane) for lane in Priority for _ in range(100)])
    lanes = []

    for _ in range(100):
        claim = queue.claim(terms)
        clock.advance(2.0)
        queue.finish(claim, answered)
        lanes.append(claim.prompt.priority)

    assert 9 <= lanes.count(Priority.BATCH) <= 11


@pytest.mark.parametrize("how", ["cancel", "delete", "fail", "refuse", "time out"])
def test_who_ends_each_prompt_just_before_its_end_has_no_more_seconds_than_who_lets_them_end(
    queue, ask, anna, ben, clock, hire, answered, how
):
    worker, had = hire(lease_seconds=100.0, timeout_seconds=9.0), Counter()
    for owner in [anna] * 40 + [ben] * 40:
        ask(owner=owner)

    for _ in range(40):
        claim = queue.claim(worker.terms)
        clock.advance(9.0 if claim.prompt.owner == anna else 10.0)
        had[claim.prompt.owner] += 9.0 if claim.prompt.owner == anna else 10.0
        match how if claim.prompt.owner == anna else "answer":
            case "answer":
                queue.finish(claim, answered)
            case "cancel":
                queue.cancel(claim.prompt.id)
            case "delete":
                queue.delete(claim.prompt.id)
            case "fail":
                queue.finish(claim, Failed(cause="so"))
            case "refuse":
                queue.finish(claim, Failed(cause="so", code=ErrorCode.MODEL_REFUSED))
            case "time out":
                clock.advance(1.0)
                queue.recover()
                had[anna] += 1.0

    assert had[anna] <= had[ben] + 10 + 10


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_who_cancels_all_that_waits_is_a_newcomer(queue, ask, anna, ben, verb):
    waiting = [ask(owner=anna) for _ in range(50)]
    ask(owner=ben)
    for prompt_id in waiting:
        getattr(queue, verb)(prompt_id)

    assert queue.position(ask(owner=anna)) == 2


@pytest.mark.parametrize("how", ["release", "put back", "lose"])
def test_for_an_attempt_that_came_to_nothing_by_no_fault_of_the_prompt_its_owner_does_not_pay(
    queue, ask, anna, ben, clock, hire, how
):
    worker = hire()
    first = ask(owner=anna)
    others = [ask(owner=ben) for _ in range(3)]
    claim = queue.claim(worker.terms)
    clock.advance(10.0)
    match how:
        case "release":
            queue.release(claim)
        case "put back":
            queue.finish(claim, PutBack(cause="so", counts=False))
        case "lose":
            worker.die()
            queue.recover()

    assert claim.prompt.id == first
    assert [queue.position(each) for each in [others[0], first, *others[1:]]] == [1, 2, 3, 4]


def test_an_owner_has_no_more_running_than_its_limit_and_the_next_one_comes(queue, ask, owner, terms):
    limited, other = owner("limited", running=2), owner("other")
    asked = [ask(owner=limited) for _ in range(4)]
    others = ask(owner=other)

    claimed = [queue.claim(terms) for _ in range(4)]

    assert {claim.prompt.id for claim in claimed if claim} == {*asked[:2], others}
    queue.release(claimed[0])
    assert queue.claim(terms).prompt.owner == limited
    assert queue.claim(terms) is None


def test_what_a_worker_says_holds_for_owners_with_keys_who_have_no_limit_of_their_own(queue, ask, owner, hire):
    terms = hire(most_running=1).terms
    anna, ben = owner("anna"), owner("ben", running=2)
    for each in [anna, ben, EVERYBODY]:
        for _ in range(3):
            ask(owner=each)

    running = Counter(claim.prompt.owner for claim in iter(lambda: queue.claim(terms), None))

    assert running == {anna: 1, ben: 2, EVERYBODY: 3}


def test_while_an_owners_first_must_wait_its_next_one_is_taken(queue, ask, anna, ben, fail, next_owners):
    first, second = ask(owner=anna), ask(owner=anna)
    fail(2)
    ask(owner=ben)

    assert set(next_owners(2)) == {anna, ben}
    assert (queue.position(first), queue.get(second).outcome) == (1, "succeeded")


def test_places_of_several_owners_are_the_order_in_which_they_are_claimed(queue, ask, anna, ben, next_owners):
    asked = [ask(owner=owner) for owner in [anna, anna, anna, EVERYBODY, EVERYBODY, ben, ben]]
    in_line = sorted(asked, key=queue.position)

    assert sorted(map(queue.position, asked)) == [1, 2, 3, 4, 5, 6, 7]
    owners = [queue.get(prompt_id).owner for prompt_id in in_line]
    assert next_owners(7) == owners


def test_a_newcomer_comes_before_the_second_of_who_was_there(queue, ask, anna, ben):
    first, second = ask(owner=anna), ask(owner=anna)
    bens = ask(owner=ben)

    assert [queue.position(each) for each in (first, bens, second)] == [1, 2, 3]


def test_it_says_who_has_what_in_line_and_in_hand(queue, ask, anna, ben, clock, terms):
    ask(owner=anna)
    clock.advance(5.0)
    ask(owner=ben, priority=Priority.BATCH)
    ask(owner=anna)
    queue.claim(terms)
    clock.advance(3.0)

    assert queue.turns() == [
        Turn(owner="anna", lane="interactive", waiting=1, running=1, oldest_wait_seconds=3.0),
        Turn(owner="ben", lane="batch", waiting=1, running=0, oldest_wait_seconds=3.0),
    ]


def test_an_end_that_changes_a_price_is_a_move_of_those_who_wait_behind_others(queue, begin, ask, anna, ben, answered):
    claim = begin(owner=anna)
    for owner in (anna, ben):
        ask(owner=owner)
    before = queue.moves()

    queue.finish(claim, answered)

    assert queue.moves() > before


def test_another_weight_is_a_move_of_those_who_wait(queue, ask, anna, ben):
    for owner in (anna, ben, anna):
        ask(owner=owner)
    before = queue.moves()

    queue.limit_owner("anna", {}, weight=2.0)

    assert queue.moves() > before


ASKED = st.tuples(st.integers(0, 5), st.sampled_from([0.0, 2.0, 30.0]), st.integers(1, 6))


@settings(
    max_examples=15,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(slots=st.integers(1, 3), rounds=st.lists(st.lists(ASKED, max_size=3), min_size=1, max_size=8))
def test_whoever_asks_for_the_first_time_is_overtaken_by_one_prompt_of_each_other_at_most(
    backend, clock, slots, rounds
):
    with backend.fresh(clock) as storage, storage.register(slots=slots) as presence:
        queue, terms = storage.open(), Terms(worker=presence.id)
        owners = [_owner(queue, f"owner{n}") for n in range(6)]
        lengths, newcomers, overtook, in_hand = {}, {}, {}, []
        for asked in [*rounds, *[[]] * 100]:
            for n, seconds, number in asked:
                accepted = queue.enqueue(*[NewPrompt(request={}, owner=owners[n])] * number)
                lengths |= {one.prompt.id: seconds for one in accepted}
                if owners[n] not in overtook:
                    overtook[owners[n]] = Counter()
                    newcomers[owners[n]] = accepted[0].prompt.id
            while len(in_hand) < slots and (claim := queue.claim(terms)):
                in_hand.append((clock.monotonic() + lengths[claim.prompt.id], claim))
                if newcomers.get(claim.prompt.owner) == claim.prompt.id:
                    del newcomers[claim.prompt.owner]
                for newcomer in newcomers:
                    overtook[newcomer][claim.prompt.owner] += 1
            if in_hand:
                ends, claim = min(in_hand, key=lambda one: one[0])
                in_hand.remove((ends, claim))
                clock.advance(max(0.0, ends - clock.monotonic()))
                queue.finish(claim, Answered(record={}, tokens=1))
        queue.close()

    assert all(times <= 1 for of_each in overtook.values() for times in of_each.values())
