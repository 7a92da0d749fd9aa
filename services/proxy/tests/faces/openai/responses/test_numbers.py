from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proxy.faces.openai.responses.writing import numbers

ATTEMPTS = st.integers(1, 50)
LENGTHS = st.integers(0, 10**6)


@given(ATTEMPTS, st.lists(st.integers(1, 10**5), max_size=5), st.integers(0, 4))
def test_the_numbers_of_an_attempt_rise_in_the_order_of_its_events(attempt, pieces, calls):
    ends = [sum(pieces[: count + 1]) for count in range(len(pieces))]
    length = sum(pieces)
    found = [
        numbers.CREATED,
        numbers.QUEUED,
        numbers.in_progress(attempt),
        numbers.item_added(attempt),
        numbers.part_added(attempt),
        *(numbers.delta(attempt, end) for end in ends),
        *(numbers.done(attempt, length) + step for step in range(3)),
        *(numbers.call(attempt, length, index) + step for index in range(calls) for step in range(4)),
        numbers.end(attempt, length, calls),
        numbers.in_progress(attempt + 1),
    ]
    assert found == sorted(set(found))


@given(ATTEMPTS, LENGTHS)
def test_a_number_says_how_much_of_the_text_its_reader_has(attempt, offset):
    place = numbers.place(numbers.delta(attempt, offset))
    assert (place.attempt, place.offset) == (attempt, offset)


@pytest.mark.parametrize(
    ("number", "attempt", "has_text"),
    [
        (numbers.CREATED, 1, False),
        (numbers.in_progress(1), 1, False),
        (numbers.in_progress(3), 3, False),
        (numbers.item_added(2), 2, True),
        (numbers.part_added(2), 2, True),
        (numbers.delta(2, 5), 2, True),
    ],
)
def test_whoever_knows_of_a_message_has_text_even_if_it_is_empty(number, attempt, has_text):
    place = numbers.place(number)
    assert (place.attempt, place.has_text) == (attempt, has_text)


def test_a_prompt_that_never_ran_has_the_numbers_of_a_first_attempt():
    assert numbers.end(0, 0) == numbers.end(1, 0) == 8
