"""What is full first, worked out by hand."""

from dataclasses import replace

import pytest

from bench.engines import POSTGRESQL, SQLITE
from simulation import costs as costs_of
from simulation.costs import Linear
from simulation.saturation import FULL, limits, parts
from simulation.scenarios import KINDS
from simulation.tests.made_up import measured

SQLITES, POSTGRESQLS = (costs_of.of(engine, measured()) for engine in (SQLITE, POSTGRESQL))


def site(costs, seconds=1.0):
    kind = next(kind for kind in KINDS if kind.engine == costs.engine)
    return kind.site(slots=16, seconds=seconds, costs=costs)


def slots(found, name):
    return next(limit.slots for limit in found if limit.part.name == name)


def test_sqlites_writer_is_full_with_as_many_slots_as_its_commits_leave_time_for():
    a_slot = (0.001 + 0.001) / 1.0 + 4 * 0.0001  # submit, finish and claim each second, text four times

    assert slots(limits(site(SQLITES), SQLITES), "SQLite's writer") == pytest.approx(FULL / a_slot, rel=0.05)


def test_longer_answers_leave_room_for_more_slots_and_fewer_prompts():
    [short, *_], [long, *_] = limits(site(SQLITES), SQLITES), limits(site(SQLITES, 30.0), SQLITES)

    assert long.slots > short.slots
    assert long.prompts < short.prompts


def test_the_server_of_postgresql_has_as_many_processors_as_it_has():
    name = "the server's processors, without live text"
    few, many = (limits(replace(site(POSTGRESQLS), cores=cores), POSTGRESQLS) for cores in (4, 8))

    assert slots(many, name) == pytest.approx(2 * slots(few, name), rel=0.02)


def test_live_text_that_wakes_nobody_fills_nothing():
    silent = replace(POSTGRESQLS, notify=Linear(0.0, 0.0))
    found = limits(site(silent), silent)

    assert slots(found, "the server's processors, live text included") == slots(
        found, "the server's processors, without live text"
    )


@pytest.mark.parametrize("costs", [SQLITES, POSTGRESQLS], ids=[SQLITE, POSTGRESQL])
def test_what_is_full_first_stands_first_and_no_part_is_fuller_than_it_should_be_with_that_many(costs):
    found = limits(site(costs), costs)

    assert [limit.slots for limit in found] == sorted(limit.slots for limit in found)
    for part in parts(costs):
        if part in [limit.part for limit in found]:
            assert part.used(replace(site(costs), slots=found[0].slots), costs) <= FULL
