from __future__ import annotations

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai_recordings import case, events_of, recorded_events, same_shape
from proxy.calls.answer import Answer
from proxy.calls.failure import Failure, Kind
from proxy.faces.openai.chat.writing import ChatWriter

HEX = "0123abcd000040008000000000000000"
ECHO = {"model": "Llama3.2", "include_usage": False}
CALLS = [{"id": "call_x", "function": {"name": "f", "arguments": {"a": 1}}}, {"function": {"name": "g"}}]


def answered(*pieces, reason="stop", calls=()):
    message = {"role": "assistant", "content": "".join(pieces), "tool_calls": list(calls)}
    return Answer({"message": message, "done_reason": reason, "prompt_eval_count": 36, "eval_count": len(pieces)})


@pytest.mark.parametrize(
    ("name", "pieces", "echo", "reason"),
    [
        ("chat stream", ["token1", " token2"], {}, "stop"),
        ("chat stream, include_usage", ["token1", " token2", " token3"], {"include_usage": True}, "length"),
        ("max_tokens, stream", ["token1", " token2"], {}, "length"),
        ("tools, stream", ["token1", " token2"], {}, "stop"),
    ],
)
def test_a_stream_is_written_as_ollama_writes_it(prompt, chunks, name, pieces, echo, reason):
    recorded = case(name)["0.33.0"]

    written = chunks(ChatWriter(prompt, {**ECHO, **echo}), pieces, answered(*pieces, reason=reason))

    events, expected = events_of(b"".join(written)), recorded_events(recorded)
    assert len(events) == len(expected)
    assert all(map(same_shape, events, expected))
    assert [each["choices"] for each in events[:-1]] == [each["choices"] for each in expected[:-1]]
    assert events[-1] == expected[-1] == "[DONE]"
    lines = [chunk.count(b"\n") for chunk in written]
    assert lines == [2] * len(pieces) + [2 * (len(events) - len(pieces))]


@pytest.mark.parametrize(("name", "reason"), [("chat", "stop"), ("max_tokens", "length"), ("tools", "stop")])
def test_a_whole_answer_is_written_as_ollama_writes_it(prompt, name, reason):
    recorded = case(name)["0.33.0"]["body"]

    document = ChatWriter(prompt, ECHO).document(answered("a", "b", reason=reason))

    assert same_shape(document, recorded)
    assert document["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "ab"},
        "finish_reason": reason,
    }
    assert document["choices"][0]["finish_reason"] == recorded["choices"][0]["finish_reason"]
    assert document["usage"] == {"prompt_tokens": 36, "completion_tokens": 2, "total_tokens": 38}


def test_all_that_is_written_has_the_prompt_s_name_its_time_and_the_model_as_it_was_asked_for(prompt, chunks):
    writer = ChatWriter(prompt, {**ECHO, "include_usage": True, "service_tier": "flex"})
    events = events_of(b"".join(chunks(writer, ["a", "b"], answered("a", "b", calls=CALLS))))[:-1]

    for each in [*events, writer.document(answered("a"))]:
        assert (each["id"], each["created"], each["model"]) == (f"chatcmpl-{HEX}", 1_795_431_096, "Llama3.2")
        assert each["service_tier"] == "flex"


def test_calls_come_in_one_chunk_before_the_end(prompt, chunks):
    events = events_of(b"".join(chunks(ChatWriter(prompt, ECHO), ["a"], answered("a", calls=CALLS))))

    deltas = [each["choices"][0]["delta"] for each in events[:-1]]
    assert deltas == [
        {"role": "assistant", "content": "a"},
        {
            "tool_calls": [
                {"id": "call_x", "index": 0, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "call_0123abcd1", "index": 1, "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]
        },
        {},
    ]
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("calls", [(), CALLS])
def test_an_answer_without_a_text_says_who_speaks_as_well(prompt, chunks, calls):
    events = events_of(b"".join(chunks(ChatWriter(prompt, ECHO), [], answered(calls=calls))))

    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert len(events) == 3


def test_a_whole_answer_has_the_calls_beside_its_text(prompt):
    choice = ChatWriter(prompt, ECHO).document(answered("a", calls=CALLS))["choices"][0]

    assert list(choice["message"]) == ["role", "content", "tool_calls"]
    assert [each["id"] for each in choice["message"]["tool_calls"]] == ["call_x", "call_0123abcd1"]
    assert choice["finish_reason"] == "tool_calls"


def test_calls_that_were_cut_at_the_limit_end_at_the_limit(prompt):
    document = ChatWriter(prompt, ECHO).document(answered(reason="length", calls=CALLS))

    assert document["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("calls", [(), CALLS])
@pytest.mark.parametrize("tier", [{}, {"service_tier": "flex"}])
def test_the_official_types_take_what_is_written(prompt, chunks, calls, tier):
    writer = ChatWriter(prompt, {**ECHO, "include_usage": True, **tier})
    answer = answered("a", "b", calls=calls)

    whole = ChatCompletion.model_validate_json(json.dumps(writer.document(answer)), strict=True)
    assert whole.choices[0].message.content == "ab"
    for event in events_of(b"".join(chunks(writer, ["a", "b"], answer)))[:-1]:
        ChatCompletionChunk.model_validate_json(json.dumps(event), strict=True)


def test_a_text_is_written_in_ascii_so_that_no_client_takes_a_character_for_the_end_of_a_line(prompt):
    odd = "a\u2028b\u2029c\u0085d\n\r\n\n🙂"

    written = ChatWriter(prompt, ECHO).text(odd, attempt=1, offset=0)

    assert written.isascii()
    assert written.count(b"\n") == 2
    [event] = events_of(written)
    assert event["choices"][0]["delta"]["content"] == odd


@pytest.mark.parametrize(
    ("position", "eta", "comment"),
    [
        (3, 40.4, b": position 3, about 40 s\n\n"),
        (3, None, b": position 3\n\n"),
        (None, None, b": in work\n\n"),
    ],
)
def test_who_waits_is_told_where_it_stands_in_a_comment(prompt, standing, position, eta, comment):
    writer = ChatWriter(prompt, ECHO)

    assert writer.beat(standing(position, eta)) == comment
    assert writer.opening(standing(position, eta)) == writer.moved(standing(position, eta)) == b""
    assert writer.text("", attempt=1, offset=0) == b""


def test_a_stream_that_fails_ends_with_an_error_that_the_sdks_raise(prompt):
    failure = Failure(kind=Kind.FAILED, code="attempts_exhausted", message="It failed.")

    [event] = events_of(ChatWriter(prompt, ECHO).failure(failure, attempt=1))

    assert event == {
        "error": {"message": "It failed.", "type": "server_error", "param": None, "code": "attempts_exhausted"}
    }
