"""What is written: Ollama's records, with its keys in its order and with nothing of ours but where a beat tells it."""

import json
import re

import pytest
from promptqueue.prompt import Priority, Progress, Prompt, Status
from proxy.calls.answer import Answer
from proxy.calls.failure import Failure, Kind
from proxy.calls.writer import Standing
from proxy.faces.ollama.writing import Records, now

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z")
COUNTS = {"total_duration": 9, "load_duration": 1, "prompt_eval_count": 4, "eval_count": 3, "eval_duration": 5}
CALLS = [{"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}]
GENERATED = {
    "model": "llama3.2:latest", "created_at": "2026-11-23T12:47:18.38Z", "response": "one two", "done": True,
    "done_reason": "stop", "context": [1, 2], **COUNTS,
}  # fmt: skip
CHATTED = {  # as the worker keeps it: the message last
    "model": "llama3.2:latest", "created_at": "2026-11-23T12:47:18.38Z", "done": True, "done_reason": "stop", **COUNTS,
    "message": {"role": "assistant", "content": "one two", "tool_calls": CALLS},
}  # fmt: skip


def standing(position, eta=None):
    prompt = Prompt(
        id="1", status=Status.QUEUED, outcome=None, priority=Priority.INTERACTIVE, attempt=0, failures=0, tokens=None,
        created_at=0, started_at=None, completed_at=None, expires_at=None, error=None, metadata=None, timeout=None,
        overdue=False,
    )  # fmt: skip
    return Standing(Progress(prompt=prompt, position=position, text_attempt=0, text_length=0), eta)


def record(data):
    """The one record that is written here, as a list of its keys and values, without its time."""
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    found = json.loads(data)
    assert MOMENT.fullmatch(found["created_at"])
    assert list(found)[:2] == ["model", "created_at"]
    return [(key, value) for key, value in found.items() if key != "created_at"]


@pytest.fixture
def generated():
    return Records("LLAMA3.2", is_chat=False)


@pytest.fixture
def chatted():
    return Records("LLAMA3.2", is_chat=True)


def test_a_piece_of_text_is_a_record(generated, chatted):
    assert record(generated.text("one", attempt=1, offset=0)) == [
        ("model", "LLAMA3.2"), ("response", "one"), ("done", False),
    ]  # fmt: skip
    assert record(chatted.text("one", attempt=1, offset=0)) == [
        ("model", "LLAMA3.2"), ("message", {"role": "assistant", "content": "one"}), ("done", False),
    ]  # fmt: skip


def test_a_beat_is_a_record_without_text_that_tells_the_place_in_line(generated, chatted):
    queue = ("queue", {"position": 3, "eta_seconds": 40.5})

    assert record(generated.beat(standing(3, 40.5))) == [
        ("model", "LLAMA3.2"), ("response", ""), ("done", False), queue,
    ]  # fmt: skip
    assert record(chatted.beat(standing(3, 40.5)))[1:] == [
        ("message", {"role": "assistant", "content": ""}), ("done", False), queue,
    ]  # fmt: skip


def test_once_it_runs_a_beat_has_nothing_of_ours(generated):
    assert record(generated.beat(standing(None))) == [("model", "LLAMA3.2"), ("response", ""), ("done", False)]


def test_nothing_is_written_of_what_ollama_has_no_record_for(generated):
    assert (generated.opening(standing(1)), generated.moved(standing(2))) == (b"", b"")
    assert (generated.stream_type, generated.speaks_at_once) == ("application/x-ndjson", False)


def test_the_last_record_has_the_counts_and_no_text(generated):
    [last] = generated.ending(Answer(GENERATED), attempt=1)

    assert json.loads(last)["created_at"] == "2026-11-23T12:47:18.38Z"
    assert record(last) == [
        ("model", "LLAMA3.2"), ("response", ""), ("done", True), ("done_reason", "stop"), *COUNTS.items(),
    ]  # fmt: skip


def test_tool_calls_come_whole_in_a_record_before_the_last(chatted):
    calls, last = chatted.ending(Answer(CHATTED), attempt=1)

    assert record(calls)[1:] == [
        ("message", {"role": "assistant", "content": "", "tool_calls": CALLS}), ("done", False),
    ]  # fmt: skip
    assert record(last)[1:] == [
        ("message", {"role": "assistant", "content": ""}), ("done", True), ("done_reason", "stop"), *COUNTS.items(),
    ]  # fmt: skip


def test_a_whole_answer_is_the_last_record_with_all_of_the_text(generated, chatted):
    assert list(generated.document(Answer(GENERATED)).items()) == [
        ("model", "LLAMA3.2"), ("created_at", "2026-11-23T12:47:18.38Z"), ("response", "one two"), ("done", True),
        ("done_reason", "stop"), *COUNTS.items(),
    ]  # fmt: skip
    assert list(chatted.document(Answer(CHATTED)).items())[2:] == [
        ("message", {"role": "assistant", "content": "one two", "tool_calls": CALLS}), ("done", True),
        ("done_reason", "stop"), *COUNTS.items(),
    ]  # fmt: skip


def test_thoughts_stand_where_ollama_has_them_in_a_whole_answer_and_in_no_stream(generated, chatted):
    alone = Answer(GENERATED | {"thinking": "hm"})
    told = Answer(CHATTED | {"message": {"role": "assistant", "content": "one two", "thinking": "hm"}})

    assert list(generated.document(alone))[2:5] == ["response", "thinking", "done"]
    assert chatted.document(told)["message"] == {"role": "assistant", "content": "one two", "thinking": "hm"}
    for written in (generated.ending(alone, attempt=1), chatted.ending(told, attempt=1)):
        assert b"hm" not in b"".join(written)


def test_a_failure_is_a_record_with_its_sentence(generated):
    failure = Failure(kind=Kind.FAILED, code="attempts_exhausted", message="It was tried three times.")

    assert generated.failure(failure, attempt=3) == b'{"error":"It was tried three times."}\n'


@pytest.mark.parametrize("text", ["a\u0085b", "a\u2028b\u2029", "\x0b\x0c\x1c", "😀é", '"\\\n'])
def test_a_record_is_one_line_whatever_its_reader_takes_for_the_end_of_one(generated, text):
    data = generated.text(text, attempt=1, offset=0)

    assert data.isascii()
    [line] = data.decode().splitlines()
    assert json.loads(line)["response"] == text


def test_a_request_that_asks_nothing_has_its_own_record(generated, chatted):
    loaded, unloaded = generated.loaded(unloads=False), chatted.loaded(unloads=True)

    assert list(loaded)[2:] == ["response", "done", "done_reason"]
    assert (loaded["response"], loaded["done_reason"]) == ("", "load")
    assert list(unloaded)[2:] == ["message", "done", "done_reason"]
    assert (unloaded["message"], unloaded["done_reason"]) == ({"role": "assistant", "content": ""}, "unload")


@pytest.mark.parametrize(
    ("nanoseconds", "written"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_500_000_000, "2023-11-14T22:13:20.5Z"),
        (1_700_000_000_000_000_120, "2023-11-14T22:13:20.00000012Z"),
        (1_700_000_010_000_000_000, "2023-11-14T22:13:30Z"),
    ],
)
def test_a_time_is_written_as_go_does(monkeypatch, nanoseconds, written):
    monkeypatch.setattr("time.time_ns", lambda: nanoseconds)

    assert now() == written
