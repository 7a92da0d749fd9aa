"""Pace: what is to be expected of several model servers, of different speed and not all of them well."""

import math

import pytest
from promptqueue.condition import Counts, Model, ModelState, Server, Workers
from proxy.storage.overview import Overview
from proxy.storage.pace import pace_of


def server(address, *, state=ModelState.READY, slots=1, busy=0, seconds=None):
    model = Model(name="llama3.2", state=state)
    return Server(address=address, model=model, slots=slots, busy=busy, seconds_per_prompt=seconds)


def now(*servers, seconds=2.0, processing=0, paused=False, slots=0):
    counts = Counts(
        queued=0,
        lanes={},
        processing=processing,
        completed=0,
        oldest_wait_seconds=None,
        completed_per_minute=0,
        seconds_per_prompt=seconds,
        paused=paused,
    )
    reported = servers[0].model if servers else None
    return Overview(counts=counts, workers=Workers(count=1, slots=slots), reported=reported, servers=[*servers])


def test_the_slots_of_one_server_share_its_time():
    pace = pace_of(now(server("a", slots=4, seconds=2.0), processing=3))

    assert (pace.seconds, pace.between, pace.idle) == (2.0, 0.5, 1)


def test_each_server_adds_what_its_own_slots_do():
    fast, slow = server("a", slots=1, seconds=1.0), server("b", slots=2, seconds=4.0)

    pace = pace_of(now(fast, slow, processing=1))

    assert math.isclose(pace.between, 1 / (1 / 1.0 + 2 / 4.0))
    assert pace.idle == 2


def test_a_server_that_has_answered_nothing_lately_counts_as_the_mean_of_all():
    pace = pace_of(now(server("a", seconds=1.0), server("b"), seconds=2.0))

    assert math.isclose(pace.between, 1 / (1 / 1.0 + 1 / 2.0))


@pytest.mark.parametrize("state", [state for state in ModelState if state is not ModelState.READY])
def test_a_server_that_is_not_ready_answers_nothing_and_what_it_has_in_hand_takes_no_slot_of_others(state):
    away = server("b", state=state, slots=8, busy=2, seconds=1.0)

    pace = pace_of(now(server("a", slots=3, busy=1, seconds=3.0), away, processing=3))

    assert (pace.between, pace.idle) == (1.0, 2)


def test_more_in_hand_than_there_are_slots_leaves_none_idle():
    assert pace_of(now(server("a", busy=1), processing=5)).idle == 0


def test_before_any_worker_tells_of_a_server_their_slots_are_believed_to_answer():
    pace = pace_of(now(slots=2, processing=1))

    assert (pace.between, pace.idle) == (1.0, 1)


@pytest.mark.parametrize(
    "condition",
    [
        now(server("a", state=ModelState.TROUBLED), server("b", state=ModelState.UNREACHABLE)),
        now(server("a", slots=0)),
        now(slots=0),
        now(server("a"), paused=True),
        now(server("a"), seconds=None),
    ],
    ids=["none is ready", "it has no slot", "no worker lives", "paused", "nothing was ever answered"],
)
def test_while_no_answer_can_come_there_is_none(condition):
    assert pace_of(condition) is None


@pytest.mark.parametrize(
    ("address", "seconds"), [("a", 1.0), ("b", 2.0), ("c", 0), ("one that left", 2.0), (None, 2.0)]
)
def test_what_is_being_answered_takes_as_long_as_its_own_server_does(address, seconds):
    pace = pace_of(now(server("a", seconds=1.0), server("b"), server("c", state=ModelState.TROUBLED, seconds=3.0)))

    assert pace.on(address) == seconds


def test_answers_that_take_no_time_at_all_are_no_reason_to_divide_by_it():
    assert pace_of(now(server("a", seconds=0.0), seconds=0.0)).between == 0.001
