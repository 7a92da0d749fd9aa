"""Costs, from what was measured."""

import json

import pytest

from bench.engines import POSTGRESQL, SQLITE
from bench.measurement import Measurement, Result, Side
from simulation import costs as costs_of
from simulation.costs import Linear
from simulation.readings import Measured
from simulation.tests.made_up import measured


def test_a_part_for_the_commit_and_one_for_each_are_found_from_two_measurements():
    assert Linear.through(3.0, 6.0, number=4).of(10) == pytest.approx(2.0 + 10 * 1.0)
    assert Linear.through(3.0, 2.0, number=4) == Linear(base=3.0, each=0.0)


def test_sqlites_writer_is_held_for_as_long_as_commits_without_a_pause_take():
    costs = costs_of.of(SQLITE, measured())

    assert costs.hand_over == pytest.approx(1 / 1_000)
    assert costs.submit.of(1) == pytest.approx(1 / 1_000)
    assert costs.submit.of(32) == pytest.approx(32 / 8_000)
    assert costs.worker_answer == pytest.approx(0.003 - 0.0001)


def test_of_postgresql_the_servers_processor_time_counts_and_the_rest_of_a_commit_is_a_wait():
    costs = costs_of.of(POSTGRESQL, measured())

    assert costs.hand_over == pytest.approx(0.0002)
    assert costs.wait == pytest.approx(1 / 1_000 - 0.0001 - 0.0002)
    assert costs.notify.of(3) - costs.notify.of(1) == pytest.approx(0.02 / 50)
    assert costs.log_bytes == 2_000


def test_a_cost_that_was_not_measured_is_not_made_up():
    known = measured()
    rows = {name: row for name, row in known.rows.items() if name != "engines-answers"}

    with pytest.raises(KeyError, match="engines-answers"):
        costs_of.of(SQLITE, Measured(machine=known.machine, rows=rows))


def test_what_was_measured_is_kept_as_the_median_of_its_repeats(tmp_path):
    result = Result(measurement=Measurement(name="row", what="", sides=lambda _: None, figures=()))
    for rate in (3.0, 1.0, 2.0):
        result.readings.add(Side(name="one", take=dict), {"rate": rate, "ms": [rate, 9.0, 9.0]})
    result.readings.add(Side(name="steps", take=dict), {"MB": [1.0, 3.0, 2.0]})
    before = Measured(machine={}, rows={"row": {}, "older": {"side": {"key": 1.0}}})

    Measured.of([result], {"processor": "1 core"}, before).write(tmp_path / "measured.json")
    kept = Measured.read(tmp_path / "measured.json")

    assert kept.value("row", "one", "rate") == 2.0
    assert kept.value("row", "one", "ms") == 9.0
    assert kept.rows["row"]["steps"]["MB"] == [1.0, 3.0, 2.0]
    assert kept.value("older", "side", "key") == 1.0
    assert json.loads((tmp_path / "measured.json").read_text())["machine"] == {"processor": "1 core"}
