from __future__ import annotations

import json

import pytest
from openai.types import Completion
from openai_recordings import case, events_of, recorded_events, same_shape
from proxy.calls.answer import Answer
from proxy.faces.openai.completions.writing import LOADED, CompletionWriter

HEX = "0123abcd000040008000000000000000"
ECHO = {"model": "llama3.2", "include_usage": False}


def writer(**echo):
    return CompletionWriter(HEX, 1_795_431_096.9, {**ECHO, **echo})


def answered(*pieces, reason="stop"):
    return Answer(
        {"response": "".join(pieces), "done_reason": reason, "prompt_eval_count": 36, "eval_count": len(pieces)}
    )


def test_a_stream_is_written_as_ollama_writes_it(chunks):
    pieces = ["token1", " token2"]

    written = chunks(writer(include_usage=True), pieces, answered(*pieces, reason="length"))

    events, expected = events_of(b"".join(written)), recorded_events(case("completions, stream")["0.33.0"])
    for each in (*events[:-1], *expected[:-1]):
        each.update(id="", created=0)
    assert json.dumps(events) == json.dumps(expected)
    assert [chunk.count(b"\n") for chunk in written] == [2, 2, 6]


def test_a_stream_has_counts_only_where_they_are_wanted(chunks):
    events = events_of(b"".join(chunks(writer(), ["a"], answered("a"))))

    assert [list(each) for each in events[:-1]] == [
        ["id", "object", "created", "choices", "model", "system_fingerprint"]
    ] * 2


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_whole_answer_is_written_as_ollama_writes_it(reason):
    document = writer().document(answered("a", "b", reason=reason))

    assert same_shape(document, case("completions")["0.33.0"]["body"])
    assert document["choices"] == [{"text": "ab", "index": 0, "finish_reason": reason}]
    assert document["usage"] == {"prompt_tokens": 36, "completion_tokens": 2, "total_tokens": 38}
    assert (document["id"], document["created"]) == (f"cmpl-{HEX}", 1_795_431_096)


def test_an_empty_prompt_loads_the_model_and_says_nothing():
    document, recorded = writer().document(LOADED), case("completions, empty prompt")["0.33.0"]["body"]

    assert {**document, "id": "", "created": 0} == {**recorded, "id": "", "created": 0}


def test_the_tier_of_service_is_repeated(chunks):
    assert writer(service_tier="flex").document(answered("a"))["service_tier"] == "flex"
    events = events_of(b"".join(chunks(writer(service_tier="flex"), ["a"], answered("a"))))
    assert {each["service_tier"] for each in events[:-1]} == {"flex"}


def test_the_official_types_take_what_is_written(chunks):
    Completion.model_validate_json(json.dumps(writer().document(answered("a"))), strict=True)
    for each in events_of(b"".join(chunks(writer(include_usage=True), ["a"], answered("a"))))[:-2]:
        # Chunks before the last have no reason, which the type of the older endpoint does not foresee.
        each["choices"][0]["finish_reason"] = each["choices"][0]["finish_reason"] or "stop"
        Completion.model_validate_json(json.dumps(each), strict=True)
