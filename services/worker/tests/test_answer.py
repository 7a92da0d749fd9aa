"""An answer is Ollama's final record with everything in it that was streamed before."""

from __future__ import annotations

import pytest
from worker.answering.answer import LONGEST_FIELD, MOST_FIELDS, Answer, Malformed, TooMuch


def test_the_record_of_a_prompt_holds_the_whole_text_and_no_context():
    answer = Answer()
    answer.take({"response": "Hello", "done": False})
    final = {"response": ", you", "done": True, "done_reason": "stop", "context": [1, 2], "eval_count": 3}
    answer.take(final)

    record = answer.record(final)

    assert record == {"response": "Hello, you", "done": True, "done_reason": "stop", "eval_count": 3}
    assert answer.tokens(final) == 3


def test_the_record_of_a_chat_keeps_role_tool_calls_and_thinking():
    call = {"id": "call_1", "function": {"index": 0, "name": "now", "arguments": {}}}
    answer = Answer()
    answer.take({"message": {"role": "assistant", "content": "", "thinking": "Hm"}, "done": False})
    answer.take({"message": {"role": "assistant", "content": "Let me see", "thinking": "."}, "done": False})
    answer.take({"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False})
    final = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    answer.take(final)

    message = answer.record(final)["message"]

    assert message == {"role": "assistant", "content": "Let me see", "thinking": "Hm.", "tool_calls": [call]}


@pytest.mark.parametrize("message", [None, {}])
def test_the_record_of_a_prompt_has_no_message_that_could_be_taken_for_a_chats(message):
    answer = Answer()
    final = {"response": "Hello", "message": message, "done": True, "done_reason": "stop"}
    answer.take(final)

    assert answer.record(final) == {"response": "Hello", "done": True, "done_reason": "stop"}


def test_tokens_are_counted_by_pieces_where_ollama_gives_no_count():
    answer = Answer()
    for piece in ("a", "", "b"):
        answer.take({"response": piece})

    assert answer.tokens({"done": True}) == 2


def test_a_record_keeps_words_and_numbers_and_nothing_else():
    answer = Answer()
    deep = []
    for _ in range(300):
        deep = [deep]
    final = {
        "model": "llama3.2",
        "response": "Hello",
        "done": True,
        "done_reason": "stop",
        "eval_count": None,
        "total_duration": 5,
        "prompt_eval_cached_count": 2,
        "load_duration": 0.5,
        "deep": deep,
        "id": "theirs",
        "status": "queued",
        "outcome": "failed",
        "long": "x" * 1000,
        "x" * 1000: 1,
    } | {f"odd{number}": number for number in range(100_000)}
    answer.take(final)

    record = answer.record(final)

    kept = {name: final[name] for name in ("model", "response", "done", "done_reason", "total_duration")}
    assert record.items() >= (kept | {"prompt_eval_cached_count": 2, "load_duration": 0.5}).items()
    assert not record.keys() & {"deep", "id", "status", "outcome", "eval_count"}
    assert len(record) <= MOST_FIELDS + 1
    assert max(map(len, map(str, [*record, *record.values()]))) <= LONGEST_FIELD


@pytest.mark.parametrize("count", [None, True, 0, -1, 3.0, "3", 2**31, 2**62])
def test_a_count_that_is_none_is_counted_anew(count):
    answer = Answer()
    answer.take({"response": "a"})

    assert answer.tokens({"eval_count": count}) == 1


def test_a_tool_call_that_nests_too_deep_is_malformed_and_adds_nothing():
    arguments = {}
    for _ in range(300):
        arguments = {"x": arguments}
    answer = Answer()

    with pytest.raises(Malformed):
        answer.take({"response": "Hi", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]})

    assert (answer.text, answer.tokens_come) == ("", 0)


@pytest.mark.parametrize(
    "record",
    [
        {"response": "é" * 50},
        {"thinking": "é" * 50},
        {"tool_calls": [{"function": {"name": "f", "arguments": {"x": "é" * 50}}}]},
    ],
    ids=lambda record: next(iter(record)),
)
def test_an_answer_grows_to_its_limit_and_keeps_what_came(record, monkeypatch):
    monkeypatch.setattr("worker.answering.answer.LONGEST", 250)
    answer = Answer()
    answer.take({"response": "Hello"})
    answer.take(record)

    with pytest.raises(TooMuch):
        answer.take({**record, "response": "é" * 100})

    assert answer.text.startswith("Hello")
    assert len(answer.text.encode()) <= 250


def test_unwritten_text_is_given_in_whole_characters_and_once():
    answer, given = Answer(), []
    answer.take({"response": "a😀é"})
    answer.take({"response": "漢b"})

    while unwritten := answer.unwritten(5):
        given.append(unwritten)
        answer.wrote(unwritten)

    assert given == [("a😀", 0, 2), ("é漢", 2, 2), ("b", 4, 2)]
