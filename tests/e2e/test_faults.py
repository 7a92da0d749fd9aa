"""docs/faults.md is what a run gives, and has a row for whatever the simulator can be told to do wrong."""

from __future__ import annotations

from e2e import faults
from e2e.ordeal import COURSES
from simulator import repertoire
from simulator.faults import Kind

AGAIN = [
    "reset in mid-answer",
    "bytes that are no UTF-8",
    "500: a bad option",
    "503: too many requests",
    "500: too little memory",
    "404: the model is missing",
    "the server is restarted in mid-answer",
    "a line of 8 MB",
]
"""One for each way in which it can end, and the quick ones."""


def test_the_page_has_a_row_for_every_fault_and_nothing_that_was_written_by_hand() -> None:
    assert faults.PAGE.read_text() == faults.page(faults.rows_on_page())


def test_every_way_in_which_the_simulator_can_misbehave_is_a_fault() -> None:
    groups = (
        repertoire.FAILING,
        repertoire.REFUSING,
        repertoire.TURNING_AWAY,
        repertoire.PASSING,
        repertoire.CRASHING,
        repertoire.WELL,
    )
    strangers = (repertoire.STRANGE, repertoire.ODD)  # for which the worker has tests of its own

    assert {fault["kind"] for group in groups + strangers for fault in group.values()} == set(Kind)
    assert {name for group in groups for name in group} <= set(COURSES)


def test_what_stands_on_the_page_is_what_happens() -> None:
    found = [str(row) for row in faults.rows(AGAIN)]

    written = faults.rows_on_page()
    assert found == [written[fault] for fault in AGAIN]
