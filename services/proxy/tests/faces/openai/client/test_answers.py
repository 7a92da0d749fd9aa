"""The official client of OpenAI, unmodified, is answered."""

from __future__ import annotations

import json

import openai
import pytest
from openai_deeds import HI, MODEL, chat, says
from pydantic import BaseModel

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS, "strict": True}}
CALLS = [
    {"id": "call_a", "function": {"index": 0, "name": "weather", "arguments": {"city": "Zürich"}}},
    {"function": {"index": 1, "name": "weather", "arguments": {"city": "Bern"}}},
]


def test_a_chat(client, model):
    asked = model(says("one two"))

    answer = chat(client, max_completion_tokens=5)

    assert answer.choices[0].message.content == "one two"
    assert (answer.choices[0].finish_reason, answer.usage.total_tokens) == ("stop", 39)
    assert asked[0]["options"]["num_predict"] == 5
    assert answer._request_id == f"req_{answer.id.removeprefix('chatcmpl-')}"


def test_a_streamed_chat(client, model):
    model(says("one", " two", " \u2028\u0085🙂"))

    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "one two \u2028\u0085🙂"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == 39
    assert len({chunk.id for chunk in chunks}) == 1


def test_an_answer_that_is_cut_says_so(client, model):
    model(says("one", reason="length"))

    assert chat(client, max_tokens=1).choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_two_tools_are_called_at_once_and_their_results_answered(client, model, stream):
    asked = model(says("Let me see.", calls=CALLS), says("Rain in both."))

    if stream:
        with client.chat.completions.stream(model=MODEL, messages=HI, tools=[WEATHER]) as events:
            said = events.get_final_completion().choices[0]
    else:
        said = chat(client, tools=[WEATHER]).choices[0]

    assert said.finish_reason == "tool_calls"
    calls = said.message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Zürich"}, {"city": "Bern"}]
    assert calls[0].id == "call_a"
    assert calls[1].id.startswith("call_")
    results = [{"role": "tool", "tool_call_id": call.id, "content": "Rain."} for call in calls]
    message = {
        "role": "assistant",
        "content": said.message.content,
        "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}}) for call in calls],
    }
    answer = chat(client, messages=[*HI, message, *results], tools=[WEATHER])
    assert answer.choices[0].message.content == "Rain in both."
    function = {name: value for name, value in WEATHER["function"].items() if name != "strict"}
    assert asked[0]["tools"] == asked[1]["tools"] == [{"type": "function", "function": function}]
    said, *told = asked[1]["messages"][1:]
    assert [call["function"]["arguments"] for call in said["tool_calls"]] == [{"city": "Zürich"}, {"city": "Bern"}]
    assert told == [
        {"role": "tool", "content": "Rain.", "tool_name": "weather", "tool_call_id": call.id} for call in calls
    ]


class Place(BaseModel):
    """What the model is to say."""

    city: str


def test_a_json_schema_is_read_back_into_its_type(client, model):
    asked = model(says('{"city": ', '"Bern"}'))

    answer = client.chat.completions.parse(model=MODEL, messages=HI, response_format=Place)

    assert answer.choices[0].message.parsed == Place(city="Bern")
    assert asked[0]["format"]["properties"] == {"city": {"title": "City", "type": "string"}}


def test_a_json_schema_is_read_back_from_a_stream(client, model):
    model(says('{"city": ', '"Bern"}'))

    with client.chat.completions.stream(model=MODEL, messages=HI, response_format=Place) as events:
        done = [event for event in events if event.type == "content.done"]

    assert done[-1].parsed == Place(city="Bern")


def test_a_json_object(client, model):
    asked = model(says("{}"))

    assert chat(client, response_format={"type": "json_object"}).choices[0].message.content == "{}"
    assert asked[0]["format"] == "json"


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion(client, model, stream):
    model(says("one", " two"))

    answer = client.completions.create(model=MODEL, prompt="hi", stream=stream)

    chunks = list(answer) if stream else [answer]
    assert "".join(chunk.choices[0].text for chunk in chunks) == "one two"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_before_a_worker_has_found_the_model_there_is_none(client):
    assert client.models.list().data == []
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(MODEL)
