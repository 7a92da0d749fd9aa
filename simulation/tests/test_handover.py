"""The simulation of the hand-over, beside what can be worked out by hand."""

from dataclasses import replace

import pytest

from bench.engines import POSTGRESQL, SQLITE
from simulation.costs import NOTHING, Costs, Linear
from simulation.handover import simulate
from simulation.site import Site

FREE = Costs(
    engine=SQLITE,
    submit=NOTHING,
    hand_over=0.0,
    write=NOTHING,
    glance=NOTHING,
    notify=NOTHING,
    wait=0.0,
    worker_answer=0.0,
    worker_token=0.0,
    proxy_submission=0.0,
    proxy_result=0.0,
    model_token=0.0,
    log_bytes=0.0,
    log_bytes_of_text=0.0,
    connections=0.0,
)
FEW = Site(slots=4, seconds=1.0, spread=0.0)
MANY = Site(slots=400, seconds=1.0)


def test_where_nothing_costs_anything_no_slot_ever_waits():
    outcome = simulate(MANY, FREE)

    assert outcome.loss == pytest.approx(0.0, abs=0.01)
    assert outcome.rate == pytest.approx(400, rel=0.01)


def test_prompts_that_are_counted_take_as_many_rounds_as_there_are_and_what_lies_between():
    outcome = simulate(replace(FEW, prompts=12), replace(FREE, worker_answer=0.01))

    assert outcome.makespan == pytest.approx(3 * 1.0 + 3 * 0.01, abs=0.04)  # of four, one waits for the others' turns


def test_a_writer_that_is_full_gives_out_as_many_prompts_as_its_commits_allow():
    outcome = simulate(MANY, replace(FREE, hand_over=0.010))

    assert outcome.rate == pytest.approx(100, rel=0.03)
    assert outcome.loss == pytest.approx(0.75, abs=0.02)
    assert outcome.shared_use == pytest.approx(1.0, abs=0.01)


def test_a_servers_processors_share_the_work_and_a_wait_for_the_disk_holds_none_of_them():
    costs = replace(FREE, engine=POSTGRESQL, hand_over=0.010, wait=0.050)
    full = simulate(replace(MANY, cores=2), costs)
    idle = simulate(replace(FEW, cores=2), costs)

    assert full.rate == pytest.approx(200, rel=0.03)
    assert idle.loss == pytest.approx(0.06 / 1.06, abs=0.01)
    assert idle.shared_use == pytest.approx(4 * 0.010 / 1.06 / 2, abs=0.005)


def test_prompts_that_come_in_while_the_writer_is_busy_share_a_commit():
    grouped = simulate(MANY, replace(FREE, submit=Linear(base=0.010, each=0.0)))

    assert grouped.accepted == pytest.approx(400, rel=0.05)  # one by one they would need four such writers


def test_text_is_written_for_all_slots_of_a_worker_together():
    outcome = simulate(replace(MANY, slots=16, seconds=4.0), replace(FREE, write=Linear(base=0.010, each=0.001)))

    assert outcome.shared_use == pytest.approx((0.010 + 16 * 0.001) / 0.25, rel=0.1)


def test_live_text_costs_the_server_more_for_each_process_that_listens():
    costs = replace(FREE, engine=POSTGRESQL, notify=Linear(base=1e-5, each=1e-5))
    some, more = (simulate(replace(MANY, slots=16, seconds=4.0, proxies=proxies), costs) for proxies in (1, 9))

    commits = 2 * 4 + 4  # a second: prompts that come, those that are handed over, and text that is written
    assert some.shared_use == pytest.approx((50 * 3e-5 + commits * 2e-5) / 4, rel=0.1)
    assert more.shared_use == pytest.approx((50 * 11e-5 + commits * 10e-5) / 4, rel=0.1)


def test_a_machine_that_all_share_is_what_they_wait_for():
    costs = replace(FREE, worker_answer=0.010)
    outcome = simulate(replace(MANY, slots_of_worker=10, machine_cores=2), costs)

    assert outcome.rate == pytest.approx(200, rel=0.03)


def test_the_same_seed_gives_the_same_outcome():
    costs = replace(FREE, hand_over=0.002, write=Linear(base=0.001, each=0.001))

    assert simulate(MANY, costs, seed=7) == simulate(MANY, costs, seed=7) != simulate(MANY, costs, seed=8)
