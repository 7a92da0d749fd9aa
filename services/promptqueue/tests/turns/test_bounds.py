"""What the rule of turns promises, in random worlds: how long anybody may be kept waiting, and who had how much."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptqueue.prompt import Priority

from .world import World

FIRST_PRICE = 2.0  # seconds
OWNERS = st.integers(0, 9)
SECONDS = st.one_of(st.sampled_from([0.0, 0.3, 2.0, 60.0, 120.0]), st.floats(0, 120))
SLOTS = st.integers(1, 4)
WEIGHTS = st.dictionaries(OWNERS, st.sampled_from([0.25, 1.0, 3.0, 10.0]))
ASKED = st.tuples(st.just("ask"), OWNERS, SECONDS, st.integers(1, 30))
PASSED = st.tuples(st.just("pass by"), st.floats(0, 300))
GIVEN_BACK = st.tuples(st.just("give back"), st.floats(0, 60))
FEW = st.lists(st.one_of(ASKED, ASKED, PASSED), max_size=40)
WITH_RETRIES = st.lists(st.one_of(ASKED, ASKED, PASSED, GIVEN_BACK), max_size=40)

in_many_worlds = settings(max_examples=150, deadline=None)


def go_on(world, *what):
    match what:
        case ("ask", owner, seconds, number):
            for _ in range(number):
                world.ask(owner, seconds)
        case ("pass by", seconds):
            world.pass_by(seconds)
        case ("give back", delay):
            world.give_back_next(delay)


@in_many_worlds
@given(slots=SLOTS, weights=WEIGHTS, events=FEW)
def test_a_newcomer_is_overtaken_by_one_prompt_at_most_of_those_that_came_before_and_whose_turn_it_was(
    slots, weights, events
):
    world = World(slots=slots, weights=weights)

    for event in [*events, ("pass by", 1e6)]:
        go_on(world, *event)

    for newcomer in world.newcomers:
        assert max(newcomer.overtook.values(), default=0) <= 1
        assert {owner for owner, times in newcomer.overtook.items() if times} <= newcomer.may_overtake


@in_many_worlds
@given(slots=SLOTS, weights=WEIGHTS, events=WITH_RETRIES)
def test_with_retries_that_must_wait_it_is_by_two_of_each(slots, weights, events):
    world = World(slots=slots, weights=weights)

    for event in [*events, ("pass by", 1e6)]:
        go_on(world, *event)

    for newcomer in world.newcomers:
        assert max(newcomer.overtook.values(), default=0) <= 2


@in_many_worlds
@given(
    slots=SLOTS,
    lengths=st.tuples(*[st.lists(SECONDS, min_size=1, max_size=8)] * 2),
    others=st.lists(st.tuples(OWNERS, SECONDS), max_size=20),
)
def test_two_who_always_wait_have_had_the_same_but_for_their_longest_prompts_in_every_slot(slots, lengths, others):
    world, asked = World(slots=slots), [0, 0]
    longest = sum(max(FIRST_PRICE, *of_one) for of_one in lengths)
    for owner, seconds in others:
        world.ask(2 + owner, seconds)

    for _ in range(150):
        for owner in (0, 1):
            while len(world.waiting.get((Priority.INTERACTIVE, owner), [])) < 1 + slots:
                world.ask(owner, lengths[owner][asked[owner] % len(lengths[owner])])
                asked[owner] += 1
        world.fill()
        world.end_next()
        assert abs(world.seconds[0] - world.seconds[1]) <= slots * longest + 1e-3


@pytest.mark.parametrize("slots", [1, 4])
def test_who_asks_again_only_once_he_was_answered_has_no_more_than_who_always_waits(slots):
    world = World(slots=slots)
    world.ask(0, 30.0)

    for _ in range(400):
        while len(world.waiting.get((Priority.INTERACTIVE, 1), [])) <= slots:
            world.ask(1, 3.0)
        world.fill()
        if world.end_next().owner == 0:
            world.ask(0, 30.0)

    assert world.seconds[0] <= world.seconds[1] + slots * (30 + 3)


@pytest.mark.parametrize("slots", [1, 4])
def test_who_comes_late_has_saved_nothing_up(slots):
    world, before = World(slots=slots), 0.0

    for owners in [(0,), (0, 1)]:
        before = world.seconds[0]
        for _ in range(200):
            for owner in owners:
                while len(world.waiting.get((Priority.INTERACTIVE, owner), [])) <= slots:
                    world.ask(owner, 5.0)
            world.fill()
            world.end_next()

    assert world.seconds[1] <= world.seconds[0] - before + 2 * slots * (5 + 5)


@in_many_worlds
@given(
    slots=SLOTS,
    interactive=st.lists(st.tuples(OWNERS, SECONDS), min_size=1, max_size=6),
    batch=st.lists(st.tuples(OWNERS, SECONDS), min_size=1, max_size=6),
)
def test_while_batch_waits_it_has_its_tenth_of_the_time_but_for_the_longest_prompts_in_hand(slots, interactive, batch):
    world, of_lanes = World(slots=slots), {Priority.INTERACTIVE: interactive, Priority.BATCH: batch}
    longest = {lane: max(FIRST_PRICE, *(seconds for _, seconds in asked)) for lane, asked in of_lanes.items()}

    for n in range(200):
        for lane, asked in of_lanes.items():
            while sum(len(line) for (where, _), line in world.waiting.items() if where is lane) < 1 + slots:
                world.ask(*asked[n % len(asked)], lane)
        world.fill()
        world.end_next()
        most = 9 * (world.seconds[Priority.BATCH] + (slots + 1) * longest[Priority.BATCH])
        assert world.seconds[Priority.INTERACTIVE] <= most + 3 * slots * longest[Priority.INTERACTIVE]


def test_a_lane_that_was_empty_has_saved_nothing_up():
    world = World()
    for asking in [(Priority.INTERACTIVE,), tuple(Priority)]:
        begun = world.seconds[Priority.INTERACTIVE]
        for _ in range(200):
            for lane in asking:
                while len(world.waiting.get((lane, 0), [])) < 3:
                    world.ask(0, 2.0, lane)
            world.fill()
            world.end_next()

    assert world.seconds[Priority.BATCH] <= (world.seconds[Priority.INTERACTIVE] - begun) / 9 + 3 * 2.0


@settings(max_examples=40, deadline=None)
@given(
    slots=SLOTS,
    lane=st.sampled_from(Priority),
    number=st.integers(1, 3),
    others=st.lists(st.tuples(st.integers(1, 5), st.floats(0, 10), st.sampled_from(Priority)), min_size=1, max_size=6),
)
def test_everything_is_answered_while_others_never_stop_asking(slots, lane, number, others):
    world = World(slots=slots)
    asked = [world.ask(0, 5.0, lane) for _ in range(number)]

    for n in range(10_000):
        if all(each in world.claimed for each in asked):
            break
        while sum(map(len, world.waiting.values())) < 12:
            world.ask(*others[n % len(others)])
        world.fill()
        world.end_next()
        del world.claimed[: -len(asked) - slots]
        asked = [each for each in asked if each not in world.claimed]

    assert not asked


@in_many_worlds
@given(slots=SLOTS, weights=WEIGHTS, events=WITH_RETRIES)
def test_an_owners_own_prompts_come_in_their_order_and_all_of_them(slots, weights, events):
    world = World(slots=slots, weights=weights)
    for event in events:
        go_on(world, *event)
    is_delayed = any(each.not_before for line in world.waiting.values() for each in line)

    begun = len(world.claimed)
    world.run_dry()

    for owner in range(10):
        numbers = [each.number for each in world.claimed[begun:] if each.owner == owner]
        assert is_delayed or all(one < other for one, other in pairwise(numbers))
    assert not any(world.waiting.values())


@in_many_worlds
@given(slots=SLOTS, weights=WEIGHTS, events=FEW)
def test_places_have_no_gap_and_the_first_is_the_next_to_be_claimed(slots, weights, events):
    world = World(slots=slots, weights=weights)

    for event in events:
        go_on(world, *event)
        places = world.places()
        assert sorted(places.values()) == list(range(1, len(places) + 1))
        if places:
            assert places[world.next().number] == 1


@in_many_worlds
@given(weights=WEIGHTS, asked=st.lists(OWNERS, min_size=1, max_size=60))
def test_with_one_price_for_all_places_are_the_order_to_come(weights, asked):
    world = World(weights=weights)
    for owner in asked:
        world.ask(owner, FIRST_PRICE)

    places = world.places()
    world.run_dry()

    assert [each.number for each in world.claimed] == sorted(places, key=places.get)


@pytest.mark.parametrize("slots", [1, 4])
def test_who_asks_for_a_minute_takes_no_more_of_the_time_than_nine_who_ask_for_seconds(slots):
    world, lengths = World(slots=slots), [60.0, *[2.0] * 9]

    for _ in range(3_000):
        for owner, seconds in enumerate(lengths):
            while len(world.waiting.get((Priority.INTERACTIVE, owner), [])) <= slots:
                world.ask(owner, seconds)
        world.fill()
        world.end_next()

    for owner in range(1, 10):
        assert abs(world.seconds[0] - world.seconds[owner]) <= slots * (60 + FIRST_PRICE)


def test_batch_has_eight_hundredths_of_a_slot_beside_more_interactive_prompts_than_it_can_answer():
    world = World()
    for _ in range(20):
        world.ask(1, 20.0, Priority.BATCH)

    for _ in range(1_000):
        while len(world.waiting.get((Priority.INTERACTIVE, 0), [])) < 3:
            world.ask(0, 2.0)
        world.fill()
        world.end_next()

    assert world.seconds[Priority.BATCH] >= 0.08 * world.time
