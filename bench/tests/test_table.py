"""The benchmark's table."""

import pytest

from bench.table import ROWS, chosen

FIFTEEN_MINUTES = 900


def test_every_row_has_a_name_of_its_own_a_promise_a_figure_and_a_way_to_run():
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.what
        assert row.figures
        assert callable(row.sides)
        assert row.repeats >= 1


def test_every_row_of_the_design_has_a_goal():
    free = {row.name for row in ROWS if not any(figure.goal for figure in row.figures)}

    assert free == {"clients", "eta"}


def test_the_whole_run_is_meant_to_take_less_than_fifteen_minutes():
    assert sum(row.seconds for row in ROWS) < FIFTEEN_MINUTES


def test_rows_are_chosen_by_name_in_the_tables_order():
    assert [row.name for row in chosen(["gap", "submit"])] == ["gap", "submit"]
    assert chosen([]) == list(ROWS)
    with pytest.raises(ValueError, match=r"No row is called subnit.*submit"):
        chosen(["subnit"])
