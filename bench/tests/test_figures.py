"""The benchmark's arithmetic."""

import pytest

from bench.figures import Goal, Spread, percentile, ratios, rounded
from bench.measurement import Figure, Measurement, Readings, Result, Side, difference, ratio, value


def test_a_percentile_is_a_sample_that_so_many_do_not_exceed():
    samples = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert [percentile(samples, each) for each in (0, 20, 50, 99, 100)] == [1.0, 1.0, 3.0, 5.0, 5.0]


def test_ratios_are_made_pair_by_pair_and_an_unpaired_repeat_counts_for_nothing():
    assert ratios([2.0, 9.0, 100.0], to=[1.0, 3.0]) == [2.0, 3.0]


def test_the_result_of_several_repeats_is_their_median():
    spread = Spread.of([3.0, 1.0, 10.0])

    assert (spread.least, spread.median, spread.most, spread.repeats) == (1.0, 3.0, 10.0, 3)


@pytest.mark.parametrize(
    ("goal", "reached", "missed"), [(Goal(at_most=10), (9.9, 10.0), 10.1), (Goal(at_least=2), (2.0, 3.0), 1.9)]
)
def test_a_goal_is_met_at_its_limit_and_missed_beyond(goal, reached, missed):
    assert all(goal.is_met_by(each) for each in reached)
    assert not goal.is_met_by(missed)


@pytest.mark.parametrize(
    ("number", "words"), [(1234.5, "1,234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.012")]
)
def test_numbers_are_told_with_the_digits_that_count(number, words):
    assert rounded(number) == words


def readings(**sides):
    found = Readings()
    for name, repeats in sides.items():
        for taken in repeats:
            found.add(Side(name=name, take=dict), taken)
    return found


def test_samples_of_a_repeat_count_by_their_percentile_and_single_values_as_they_are():
    found = readings(one=[{"ms": [1.0, 2.0, 100.0]}, {"ms": 5.0}])

    assert value("ms", "one", percent=99)(found) == [100.0, 5.0]
    assert value("ms", "one")(found) == [2.0, 5.0]


def test_sides_are_compared_repeat_by_repeat():
    found = readings(a=[{"s": 4.0}, {"s": 6.0}], b=[{"s": 2.0}, {"s": 2.0}])

    assert ratio("s", "a", to="b")(found) == [2.0, 3.0]
    assert difference("s", "a", to="b")(found) == [2.0, 4.0]


def test_a_figure_without_a_goal_has_no_verdict_and_one_without_readings_was_not_run():
    free, bound = Figure(what="", values=value("s", "a")), Figure(what="", values=value("s", "a"), goal=Goal(at_most=1))
    row = Measurement(name="row", what="", sides=lambda _: None, figures=(free, bound))

    measured = Result(measurement=row, readings=readings(a=[{"s": 2.0}]))

    assert [measured.verdict(each) for each in (free, bound)] == ["", "missed"]
    assert Result(measurement=row).verdict(bound) == "not run"
