from __future__ import annotations

import pytest
from promptqueue.prompt import Outcome, Progress, Status
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Failure, Kind
from proxy.faces.openai.responses.following import start
from proxy.faces.openai.responses.stored import Stored
from proxy.faces.openai.responses.writing import numbers

FAILED = Failure(kind=Kind.FAILED, code="timed_out", message="It took too long.")
TEXT = "token1"


@pytest.fixture
def find(make_response, make_prompt):
    """A response that stands so."""

    def find(status=Status.PROCESSING, attempt=2, text=TEXT, outcome=None):
        prompt = make_prompt(status, attempt, outcome=outcome)
        progress = Progress(prompt=prompt, position=None, text_attempt=attempt, text_length=len(text))
        return Stored(progress=progress, response=make_response(), answer=None, text=text)

    return find


@pytest.mark.parametrize(
    ("after", "attempt", "offset"),
    [
        (None, 0, 0),
        (numbers.CREATED, 1, 0),
        (numbers.QUEUED, 1, 0),
        (numbers.in_progress(1), 1, 0),
        (numbers.in_progress(2), 2, 0),
        (numbers.part_added(2), 2, 0),
        (numbers.delta(2, 3), 2, 3),
        (numbers.delta(2, 500), 2, 500),  # heard live, and not stored yet
    ],
)
def test_a_stream_goes_on_in_the_text_where_its_reader_left(find, after, attempt, offset):
    begun = start(find(), None if after is None else str(after))
    assert (begun.attempt, begun.offset) == (attempt, offset)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING, Status.COMPLETED])
@pytest.mark.parametrize("after", [numbers.item_added(1), numbers.delta(1, 3), numbers.end(1, 6)])
def test_nobody_goes_on_in_text_that_another_attempt_has_replaced(find, status, after):
    with pytest.raises(InvalidAsked) as refused:
        start(find(status), str(after))
    assert refused.value.failure.code == "response_restarted"


def test_nor_in_text_of_an_attempt_that_was_given_up(find):
    with pytest.raises(InvalidAsked) as refused:
        start(find(Status.QUEUED), str(numbers.delta(2, 3)))
    assert refused.value.failure.code == "response_restarted"


def test_a_failure_that_was_heard_in_part_goes_on_with_the_rest(find, events):
    found = find(Status.COMPLETED, outcome=Outcome.FAILED)
    [error] = events(start(found, str(numbers.end(2, len(TEXT)))).writer.failure(FAILED, attempt=2))
    assert (error["type"], error["sequence_number"]) == ("error", numbers.end(2, len(TEXT)) + 1)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "²", "9" * 19, str(numbers.in_progress(3))])
def test_what_is_no_number_of_an_event_yet_is_refused(find, after):
    with pytest.raises(InvalidAsked) as refused:
        start(find(), after)
    assert refused.value.failure.param == "starting_after"
