from __future__ import annotations

import json

import pytest
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai import tools

ID = "0123abcd-0000-4000-8000-000000000000"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CLOCK = {"type": "function", "function": {"name": "clock"}}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([], []),
        ([WEATHER, CLOCK], [WEATHER, CLOCK]),
        ([{"type": "web_search"}, CLOCK], [CLOCK]),
        ([{"type": "custom", "custom": {"name": "x"}}], []),
        ([{"function": {"name": "clock"}}], [CLOCK]),
        ([{"type": "function", "function": {"name": "clock", "strict": True, "description": None}}], [CLOCK]),
    ],
)
def test_functions_are_taken_and_other_tools_dropped(given, taken):
    assert list(tools.tools_of(given)) == taken


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"type": "function"}, "tools.0.function"),
        ({"type": "function", "function": 5}, "tools.0.function"),
        ({"type": "function", "function": {}}, "tools.0.function.name"),
        ({"type": "function", "function": {"name": 5}}, "tools.0.function.name"),
        ({"type": "function", "function": {"name": "f", "parameters": []}}, "tools.0.function.parameters"),
        ({"type": "function", "function": {"name": "f", "description": 5}}, "tools.0.function.description"),
    ],
)
def test_a_malformed_function_is_refused_by_its_field(given, param):
    with pytest.raises(InvalidAsked) as refused:
        list(tools.tools_of([given]))

    assert refused.value.failure.param == param


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (None, [WEATHER, CLOCK]),
        ("auto", [WEATHER, CLOCK]),
        ("required", [WEATHER, CLOCK]),
        ("none", []),
        ({"type": "function", "function": {"name": "clock"}}, [CLOCK]),
        ({"type": "function", "name": "clock"}, [CLOCK]),
        ({"name": "clock"}, [CLOCK]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [CLOCK]}}, [WEATHER, CLOCK]),
        ({"type": "web_search_preview"}, [WEATHER, CLOCK]),
    ],
)
def test_a_choice_leaves_the_tools_that_it_names(choice, left):
    assert list(tools.chosen([WEATHER, CLOCK], choice)) == left


@pytest.mark.parametrize("choice", [5, [], {"type": "function", "function": {"name": "nope"}}, {"name": ["clock"]}])
def test_a_choice_of_what_there_is_not_is_refused(choice):
    with pytest.raises(InvalidAsked) as refused:
        tools.chosen([WEATHER, CLOCK], choice)

    assert refused.value.failure.param == "tool_choice"


def test_a_call_of_the_client_s_history_becomes_ollama_s():
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, "é"]}'}}

    assert tools.call_of(call, at="there") == {
        "id": "call_1",
        "function": {"name": "f", "arguments": {"a": [1, "é"]}},
    }


@pytest.mark.parametrize("blank", ["", " \n"])
def test_blank_arguments_are_none(blank):
    assert tools.arguments_of(blank, param="there") == {}


@pytest.mark.parametrize("broken", ["{", "[]", "5", "null", '"{}"', "{'a': 1}", '{"a": NaN}', '{"a": "\\u0000"}'])
def test_arguments_that_are_no_json_object_are_refused(broken):
    with pytest.raises(InvalidAsked) as refused:
        tools.call_of({"id": "call_1", "function": {"name": "f", "arguments": broken}}, at="there")

    assert refused.value.failure.param == "there.function.arguments"


def test_calls_keep_ollama_s_ids_and_have_one_of_the_prompt_otherwise():
    calls = [{"id": "call_abc", "function": {"name": "f", "arguments": {"a": "é"}}}, {"function": {"name": "g"}}]

    written = tools.calls_written(calls, prompt_id=ID)

    assert written == [
        {"id": "call_abc", "index": 0, "type": "function", "function": {"name": "f", "arguments": '{"a":"é"}'}},
        {"id": "call_0123abcd1", "index": 1, "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert [list(each) for each in written] == [["id", "index", "type", "function"]] * 2


def test_what_a_model_called_can_be_sent_back_as_it_was():
    call = {"id": "call_abc", "function": {"name": "f", "arguments": {"deep": [{"a": 1.5}], "text": '\u2028\n"'}}}

    [written] = tools.calls_written([call], prompt_id=ID)

    assert tools.call_of(json.loads(json.dumps(written)), at="there") == call
