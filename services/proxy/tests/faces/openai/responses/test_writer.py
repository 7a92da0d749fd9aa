from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from promptqueue.prompt import Status
from proxy.calls.failure import Failure, Kind
from proxy.faces.openai.responses.writing import numbers
from proxy.faces.openai.responses.writing.writer import ResponseWriter
from pydantic import TypeAdapter

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded.jsonl").read_text("utf-8").splitlines()]
STREAM = next(each for each in RECORDED if "events" in each)
FAILED = Failure(kind=Kind.FAILED, code="timed_out", message="It took too long.")
CANCELLED = Failure(kind=Kind.GONE, code="cancelled", message="Somebody cancelled it.")
STOPPING = Failure(kind=Kind.UNAVAILABLE, code="stopping", message="Come again.")
ANEW = Failure(kind=Kind.FAILED, code="restarted", message="It is begun anew.")


@pytest.fixture
def follow(make_response, stand, events):
    """Give the events that a reader gets of an answer in these pieces, from a number on, if it comes back."""

    def follow(answer, pieces, *, attempt=1, after=None, offset=0, is_waiting=False, **fields):
        response = make_response(**fields)
        there = {} if after is None else {"after": after, "length": offset}
        writer = ResponseWriter(response, is_held=True, **there)
        running = stand(Status.PROCESSING, attempt)
        written = writer.opening(stand() if is_waiting else running)
        if is_waiting:
            written += writer.moved(stand(position=2, eta=3.0)) + writer.beat(stand(position=1))
            written += writer.moved(running)
        for piece in pieces:
            written += writer.text(piece, attempt=attempt, offset=offset)
            offset += len(piece)
        return events(written + b"".join(writer.ending(answer, attempt=attempt)))

    return follow


def kinds(found):
    return [event["type"].removeprefix("response.") for event in found]


def test_the_events_are_those_that_ollama_sends_and_one_more_while_it_waits(follow, make_answer):
    ours, recorded = follow(make_answer(), ["token1", " token2"], max_output_tokens=2), STREAM["events"]
    assert kinds(ours) == [*kinds(recorded[:1]), "queued", *kinds(recorded[1:])]
    for event, theirs in zip([ours[0], *ours[2:]], recorded, strict=True):
        assert event.keys() == theirs.keys()
        for name in event.keys() - {"response", "sequence_number", "item_id", "item"}:
            assert event[name] == theirs[name]


def test_each_event_has_the_number_that_follows_from_attempt_and_text(follow, make_answer, call):
    found = follow(make_answer("token1 token2", [call, call]), ["token1", " token2"], attempt=3)
    ends = [2_000_000_000 + 4 + end for end in (6, 13)]
    assert [event["sequence_number"] for event in found] == [
        0, 1, 2_000_000_002, 2_000_000_003, 2_000_000_004, *ends, *range(2_000_000_018, 2_000_000_030)
    ]  # fmt: skip


def test_it_is_said_to_wait_even_when_it_does_not(follow, make_answer):
    waited, at_once = (follow(make_answer(), ["token1 token2"], is_waiting=is_waiting) for is_waiting in (True, False))
    assert waited == at_once
    assert waited[0]["response"]["status"] == "queued"


def test_an_answer_without_text_has_no_message(follow, make_answer, call):
    found = follow(make_answer("", [call]), [])
    assert kinds(found) == [
        "created", "queued", "in_progress", "output_item.added", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert found[3]["item"]["arguments"] == ""
    assert found[4]["delta"] == found[5]["arguments"] == '{"city":"Zürich"}'
    assert found[6]["item"] == found[-1]["response"]["output"][0]
    assert {event["output_index"] for event in found[3:7]} == {0}


def test_calls_stand_behind_the_message(follow, make_answer, call):
    found = follow(make_answer("a", [call, call]), ["a"])
    assert [event["output_index"] for event in found if event["type"] == "response.output_item.added"] == [0, 1, 2]


def test_an_answer_that_was_cut_at_its_limit_ends_as_incomplete(follow, make_answer):
    found = follow(make_answer(reason="length"), ["token1 token2"])
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert found[-2]["item"]["status"] == "incomplete"


def test_openais_own_types_take_every_event_as_it_is(follow, make_answer, call):
    for event in follow(make_answer("token1 token2", [call]), ["token1", " token2"]):
        read = TypeAdapter(ResponseStreamEvent).validate_python(event)
        assert read.type == event["type"]
        assert type(read).model_validate(event).to_dict(mode="json").keys() == event.keys()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(TEXT, max_size=5), st.data(), st.integers(1, 3), st.integers(0, 2))
def test_whoever_comes_back_gets_exactly_the_rest(follow, make_answer, call, pieces, data, attempt, calls):
    """However the text is split, and wherever the reader was when it left."""
    text = "".join(pieces)
    answer = make_answer(text, [call] * calls)
    first = follow(answer, pieces, attempt=attempt)
    found = [event["sequence_number"] for event in first]
    assert found == sorted(set(found))
    for after in found:
        place = numbers.place(after)
        offset = min(place.offset, len(text)) if place.attempt == attempt else 0
        cuts = sorted(data.draw(st.lists(st.integers(offset, len(text)), max_size=3)))
        ends = [*cuts, len(text)]
        rest = [text[start:end] for start, end in zip([offset, *cuts], ends, strict=True) if start < end]
        second = follow(answer, rest, attempt=attempt, after=after, offset=offset)
        assert [each["sequence_number"] for each in second] == sorted({each["sequence_number"] for each in second})
        assert all(each["sequence_number"] > after for each in second)
        both = [each for each in first if each["sequence_number"] <= after] + second
        assert _said(both) == text
        assert _without_text(both) == _without_text(first)


def _said(found):
    return "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta")


def _without_text(found):
    return [event for event in found if event["type"] != "response.output_text.delta"]


@pytest.mark.parametrize("offset", range(4))
def test_text_that_the_client_has_is_not_said_again_wherever_it_is_read_from(follow, make_answer, offset):
    text = "token1 token2"
    found = follow(make_answer(text), [text[offset:]], after=numbers.delta(1, 3), offset=offset)
    assert found[0]["delta"] == text[3:]


# ---- ends without an answer -----------------------------------------------------------------------------------------


@pytest.fixture
def fail(make_response, stand, events):
    def fail(failure, *, attempt=1, said="", is_held=True, after=None, length=0):
        there = {} if after is None else {"after": after, "length": length}
        writer = ResponseWriter(make_response(), is_held=is_held, **there)
        written = writer.opening(stand(Status.PROCESSING if attempt else Status.QUEUED, attempt))
        if said:
            written += writer.text(said, attempt=attempt, offset=length)
        return events(written + writer.failure(failure, attempt=attempt))

    return fail


def test_a_failure_is_said_twice_because_one_of_them_raises(fail):
    [*_, failed, error] = fail(FAILED, said="token1")
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "It took too long."}
    assert error == {
        "type": "error",
        "code": "server_error",
        "message": "It took too long.",
        "param": None,
        "error": {
            "message": "It took too long.",
            "type": "server_error",
            "param": None,
            "code": "server_error",
        },
        "sequence_number": failed["sequence_number"] + 1,
    }
    assert failed["sequence_number"] == numbers.end(1, len("token1"))


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        (Kind.REFUSED, "model_refused", "invalid_prompt"),
        (Kind.TOO_LONG, "prompt_too_long", "context_length_exceeded"),
        (Kind.FAILED, "attempts_exhausted", "server_error"),
        (Kind.GONE, "expired", "expired"),
    ],
)
def test_each_failure_has_its_code(fail, kind, code, said):
    [*_, failed, error] = fail(Failure(kind=kind, code=code, message="why"))
    assert failed["response"]["error"]["code"] == error["code"] == error["error"]["code"] == said


@pytest.mark.parametrize("failure", [CANCELLED, STOPPING])
def test_what_has_not_failed_is_not_said_to(fail, failure):
    found = fail(failure, attempt=0)
    assert kinds(found) == ["created", "queued", "error"]
    assert found[-1]["error"]["code"] == failure.code


def test_text_that_is_begun_anew_ends_a_held_response_and_only_the_stream_of_any_other(fail):
    assert kinds(fail(ANEW))[-2:] == ["failed", "error"]
    found = fail(ANEW, is_held=False)
    assert kinds(found)[-2:] == ["in_progress", "error"]
    assert found[-1]["code"] == "response_restarted"


@pytest.mark.parametrize("failure", [FAILED, CANCELLED])
@pytest.mark.parametrize("attempt", [0, 1, 2])
def test_a_failure_has_the_same_numbers_for_whoever_comes_back(fail, failure, attempt):
    first = fail(failure, attempt=attempt, said="token1" if attempt else "")
    for index, event in enumerate(first[:-1]):
        after = event["sequence_number"]
        place = numbers.place(after)
        length = min(place.offset, 6) if attempt and place.attempt == attempt else 0
        rest = "token1"[length:] if attempt else ""
        assert fail(failure, attempt=attempt, said=rest, after=after, length=length) == first[index + 1 :]


@pytest.mark.parametrize("attempt", [0, 1, 2])
def test_a_failure_is_told_the_same_way_once_it_is_over(make_response, stand, events, fail, attempt):
    writer = ResponseWriter(make_response(), is_held=False)
    over = writer.opening(stand(Status.COMPLETED, attempt)) + writer.failure(FAILED, attempt=attempt)
    assert events(over) == fail(FAILED, attempt=attempt)


def test_whoever_was_ahead_of_what_is_left_of_the_text_hears_the_failure_all_the_same(fail):
    found = fail(FAILED, after=numbers.delta(1, 500), length=3)
    assert kinds(found) == ["failed", "error"]
    assert [event["sequence_number"] for event in found] == [numbers.delta(1, 501), numbers.delta(1, 502)]


def test_what_keeps_a_stream_alive_is_a_comment(make_response, stand):
    writer = ResponseWriter(make_response(), is_held=True)
    assert writer.beat(stand(position=3, eta=40.2)) == b": position 3, about 40 s\n\n"
    for standing in (stand(position=3), stand(Status.PROCESSING, 1)):
        assert writer.beat(standing).startswith(b":")


def test_a_line_that_moves_costs_those_who_wait_nothing(make_response, stand):
    writer = ResponseWriter(make_response(), is_held=True)
    writer.opening(stand(position=3))
    assert writer.moved(stand(position=2)) == b""


def test_a_stream_begins_before_there_is_anything_to_say_of_the_answer(make_response):
    assert ResponseWriter(make_response(), is_held=True).speaks_at_once
