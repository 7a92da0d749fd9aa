"""What several model servers are measured against."""

from itertools import product

import pytest

from bench.rows.servers import assignment


@pytest.mark.parametrize(
    ("number", "seconds"), [(0, (1, 2)), (4, (1, 2)), (2, (1, 2.5)), (3, (1, 2.5)), (9, (1, 2, 4))]
)
def test_the_last_of_the_best_assignment_ends_soonest(number, seconds):
    def last(counts):
        return max(count * each for count, each in zip(counts, seconds, strict=True))

    possible = [counts for counts in product(range(number + 1), repeat=len(seconds)) if sum(counts) == number]

    assert tuple(assignment(number, seconds)) in possible
    assert last(assignment(number, seconds)) == min(map(last, possible))
