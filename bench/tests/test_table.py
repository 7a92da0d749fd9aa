"""The benchmark's table."""

import pytest

from bench.table import ROWS, chosen

TWENTY_MINUTES = 1200


def test_every_row_has_a_name_of_its_own_a_promise_a_figure_and_a_way_to_run():
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.what
        assert row.figures
        assert callable(row.sides)
        assert row.repeats >= 1


def test_every_row_of_the_design_has_a_goal():
    free = {row.name for row in ROWS if not any(figure.goal for figure in row.figures)}

    assert free == {"clients", "eta", "engines-write", "engines-answers", "engines-makespan"}


def test_the_whole_run_is_meant_to_take_less_than_twenty_minutes():
    assert sum(row.seconds for row in chosen([])) < TWENTY_MINUTES


def test_what_is_measured_apart_is_measured_only_by_its_name():
    apart = [row.name for row in ROWS if row.is_apart]

    assert apart
    assert not {row.name for row in chosen([])} & set(apart)
    assert [row.name for row in chosen(apart)] == apart


def test_rows_are_chosen_by_name_in_the_tables_order():
    assert [row.name for row in chosen(["gap", "submit"])] == ["gap", "submit"]
    assert chosen([]) == [row for row in ROWS if not row.is_apart]
    with pytest.raises(ValueError, match=r"No row is called subnit.*submit"):
        chosen(["subnit"])
