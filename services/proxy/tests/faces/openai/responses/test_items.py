from __future__ import annotations

import pytest
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.responses.reading.past import MOST_REFERENCES, Named, Past, named

USER = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Bern"}', "id": "fc_1"}
CALLED = {"id": "call_1", "function": {"name": "weather", "arguments": {"city": "Bern"}}}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "4 °C"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "…"}


def part(text, kind="input_text"):
    return {"type": kind, "text": text}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("hi", [USER]),
        ([USER], [USER]),
        ([{"type": "message", **USER}], [USER]),
        ([{"role": "user", "content": [part("a"), part("b", "text")]}], [{"role": "user", "content": "a\nb"}]),
        ([{"role": "developer", "content": "be brief"}], [{"role": "system", "content": "be brief"}]),
        ([{"role": "system", "content": "x"}, USER], [{"role": "system", "content": "x"}, USER]),
        (
            [{"type": "message", "role": "assistant", "content": [part("yes", "output_text")], "status": "completed"}],
            [{"role": "assistant", "content": "yes"}],
        ),
        (
            [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
            [{"role": "assistant", "content": "no"}],
        ),
        (
            [USER, REASONING, CALL, RESULT],
            [
                USER,
                {"role": "assistant", "content": "", "tool_calls": [CALLED]},
                {"role": "tool", "content": "4 °C", "tool_call_id": "call_1", "tool_name": "weather"},
            ],
        ),
        (
            [{"role": "assistant", "content": "let me look"}, CALL, {**CALL, "call_id": "call_2"}],
            [{"role": "assistant", "content": "let me look", "tool_calls": [CALLED, {**CALLED, "id": "call_2"}]}],
        ),
        (
            [{**CALL, "namespace": "outside"}],
            [
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{**CALLED, "function": {**CALLED["function"], "name": "outside.weather"}}],
                }
            ],
        ),
        (
            [USER, {**RESULT, "output": [part("4"), part("°C")]}],
            [USER, {"role": "tool", "content": "4\n°C", "tool_call_id": "call_1"}],
        ),
        ([USER, {"type": "web_search_call", "id": "ws_1", "status": "completed"}], [USER]),
    ],
)
def test_an_input_is_read_as_messages(ask, given, read):
    assert ask(input=given).request["messages"] == read


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "input"),
        ("", "input"),
        ([], "input"),
        ([REASONING], "input"),
        ([{"type": "nonsense"}], "input.0.type"),
        ([{"type": 5}], "input.0.type"),
        ([{}], "input.0.role"),
        ([{"role": "robot", "content": "x"}], "input.0.role"),
        ([USER, {"role": "user", "content": None}], "input.1.content"),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}], "input.0.content.0"),
        ([{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}], "input.0.content.0"),
        ([{**CALL, "arguments": "{"}], "input.0.arguments"),
        ([{**CALL, "name": None}], "input.0.name"),
        ([{**RESULT, "call_id": 5}], "input.0.call_id"),
        ([{**RESULT, "output": [{"type": "input_image"}]}], "input.0.output.0"),
        ([{"type": "item_reference", "id": 5}], "input.0.id"),
    ],
)
def test_an_input_that_cannot_be_read_is_refused_by_its_field(ask, given, param):
    with pytest.raises(InvalidAsked) as refused:
        ask(input=given)
    assert refused.value.failure.param == param


def test_an_unknown_kind_is_named(ask):
    with pytest.raises(InvalidAsked, match='unknown input item type: "nonsense"'):
        ask(input=[{"type": "nonsense"}])


@pytest.mark.parametrize("reference", [{"type": "item_reference", "id": "fc_1"}, {"id": "fc_1"}])
def test_a_reference_stands_for_the_item_that_was_put_out(ask, reference):
    given = [USER, reference, RESULT]
    assert named({"input": given}) == Named(items=frozenset({"fc_1"}))
    assert ask(past=Past(items={"fc_1": CALL}), input=given) == ask(input=[USER, CALL, RESULT])
    with pytest.raises(InvalidAsked, match="Item with id 'fc_1' not found"):
        ask(input=given)


def test_so_many_items_may_be_referred_to_and_no_more():
    given = [{"type": "item_reference", "id": f"fc_{number}"} for number in range(MOST_REFERENCES + 1)]
    assert len(named({"input": given[1:]}).items) == MOST_REFERENCES
    for too_many in (given, [given[0]] * (MOST_REFERENCES + 1)):
        with pytest.raises(InvalidAsked):
            named({"input": too_many})
