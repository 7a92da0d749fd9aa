from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from promptqueue.prompt import Priority
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.responses.reading.past import DEEPEST, Past, named

OPTIONS = {"temperature": 1.0, "top_p": 1.0, "num_predict": 4096}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def test_what_is_not_said_is_as_ollama_has_it(ask):
    asked = ask()
    assert asked.request == {
        "messages": [{"role": "user", "content": "hi"}],
        "options": OPTIONS,
        "truncate": False,
    }
    assert not asked.streams
    assert not asked.in_background
    assert asked.is_stored
    assert asked.priority is Priority.INTERACTIVE


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ({"instructions": "be brief"}, {"system": "be brief"}),
        ({"instructions": ""}, {}),
        ({"max_output_tokens": 5}, {"options": {**OPTIONS, "num_predict": 5}}),
        ({"max_output_tokens": 0}, {}),
        ({"temperature": 0, "top_p": 0.5}, {"options": {**OPTIONS, "temperature": 0, "top_p": 0.5}}),
        ({"truncation": "auto"}, {"truncate": True}),
        ({"truncation": "disabled"}, {}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"format": "json"}),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}}}, {"format": SCHEMA}),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}}, {"format": {}}),
        ({"text": {"verbosity": "low"}}, {}),
        ({"tools": []}, {}),
        ({"tools": [FUNCTION]}, {"tools": [TOOL]}),
        ({"tools": [TOOL]}, {"tools": [TOOL]}),
        ({"tools": [FUNCTION], "tool_choice": "none"}, {}),
        ({"tools": [FUNCTION, {**FUNCTION, "name": "g"}], "tool_choice": FUNCTION}, {"tools": [TOOL]}),
        ({"reasoning": {"effort": "none", "summary": "auto"}}, {}),
        ({"conversation": None, "prompt": None, "context_management": []}, {}),
        ({"include": ["x"], "client_metadata": {"a": 1}, "user": "u", "nonsense": [1]}, {}),
    ],
)
def test_each_field_means_its_own(ask, fields, added):
    assert ask(**fields).request == {**ask().request, **added}


def test_functions_of_a_namespace_are_known_by_both_names(ask):
    namespace = {"type": "namespace", "name": "git", "description": "d", "tools": [FUNCTION]}
    named = {"type": "function", "function": {**TOOL["function"], "name": "git.f"}}
    assert ask(tools=[FUNCTION, namespace]).request["tools"] == [TOOL, named]
    choice = {"type": "function", "namespace": "git", "name": "f"}
    assert ask(tools=[FUNCTION, namespace], tool_choice=choice).request["tools"] == [named]


@pytest.mark.parametrize("kind", ["web_search", "custom", "mcp", "file_search", "code_interpreter", "made_up"])
def test_tools_that_do_not_exist_here_are_dropped_and_it_is_said(ask, kind):
    asked = ask(tools=[{"type": kind, "name": "x"}, FUNCTION])
    assert asked.request["tools"] == [TOOL]
    assert asked.ignored == ("tools",)
    assert not ask(tools=[FUNCTION]).ignored


def test_a_request_as_codex_sends_it_is_taken(ask):
    asked = ask(
        instructions="You are Codex.",
        input=[
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "sandbox"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        ],
        tools=[
            FUNCTION,
            {"type": "namespace", "name": "multi", "description": "d", "tools": [FUNCTION]},
            {"type": "web_search", "external_web_access": False},
        ],
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"summary": "auto"},
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="0123",
        client_metadata={"x": "y"},
    )
    assert asked.streams
    assert not asked.is_stored
    assert [each["function"]["name"] for each in asked.request["tools"]] == ["f", "multi.f"]
    assert [each["role"] for each in asked.request["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("fields", "priority", "expires_in"),
    [
        ({"service_tier": "flex"}, Priority.BATCH, None),
        ({"service_tier": "auto"}, Priority.INTERACTIVE, None),
        ({"background": True}, Priority.INTERACTIVE, None),
        ({"background": True, "background_options": {"completion_window": "soonest"}}, Priority.INTERACTIVE, None),
        ({"background": True, "background_options": {"completion_window": "2h"}}, Priority.BATCH, 7200),
        ({"background": True, "background_options": {"completion_window": "8h"}}, Priority.BATCH, 28800),
        ({"background_options": {}}, Priority.INTERACTIVE, None),
    ],
)
def test_who_can_wait_waits_behind_the_others(ask, fields, priority, expires_in):
    asked = ask(**fields)
    assert (asked.priority, asked.expires_in) == (priority, expires_in)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"input": 5}, "input"),
        ({"input": ["a"]}, "input"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": "x"}, "max_output_tokens"),
        ({"truncation": "sometimes"}, "truncation"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format"),
        ({"text": {"format": 5}}, "text.format"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "tools.0.tools.0.name"),
        ({"tool_choice": FUNCTION}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"reasoning": {"effort": "x"}}, "reasoning.effort"),
        ({"metadata": {"a": 5}}, "metadata.a"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"conversation": "c"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"background": True, "store": False}, "store"),
        ({"background_options": {"completion_window": "2h"}}, "background_options"),
        ({"background": True, "stream": True, "background_options": {"completion_window": "2h"}}, "background_options"),
        ({"previous_response_id": 5}, "previous_response_id"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(ask, fields, param):
    with pytest.raises(InvalidAsked) as refused:
        ask(**fields)
    assert refused.value.failure.param == param


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest", "LLAMA3.2"])
def test_the_model_is_repeated_as_it_was_written(ask, name):
    assert ask(model=name).echo["model"] == name


def test_thinking_aloud_is_refused_in_ollamas_words(ask):
    with pytest.raises(InvalidAsked, match=r'^"llama3.2" does not support thinking$'):
        ask(reasoning={"effort": "high"})
    with pytest.raises(InvalidAsked, match=r'^invalid reasoning value: "x" \(must be "minimal", "low", "medium", '):
        ask(reasoning={"effort": "x"})


def earlier(depth):
    """So many earlier responses, of which this is the conversation."""
    return Past([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], depth)


def test_a_response_goes_on_from_the_one_before(ask):
    asked = ask(past=earlier(3), previous_response_id="resp_1")
    assert asked.request["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "hi"},
    ]
    assert asked.echo["depth"] == 4
    assert asked.echo["previous_response_id"] == "resp_1"


def test_a_call_joins_the_answer_before_it_in_the_new_conversation_alone(ask):
    past = earlier(1)
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    asked = ask(past=past, previous_response_id="resp_1", input=[call, {**call, "call_id": "call_2"}])
    assert [each["id"] for each in asked.request["messages"][-1]["tool_calls"]] == ["call_1", "call_2"]
    assert past == earlier(1)


def test_so_many_responses_go_on_from_one_another_and_no_more(ask):
    assert ask(past=earlier(DEEPEST - 1), previous_response_id="resp_1").echo["depth"] == DEEPEST
    with pytest.raises(InvalidAsked) as refused:
        ask(past=earlier(DEEPEST), previous_response_id="resp_1")
    assert refused.value.failure.param == "previous_response_id"


def test_nothing_goes_on_without_a_new_input(ask):
    with pytest.raises(InvalidAsked) as refused:
        ask(past=earlier(1), previous_response_id="resp_1", input=[])
    assert refused.value.failure.param == "input"


def test_a_conversation_that_has_grown_too_large_is_refused(ask):
    with pytest.raises(InvalidAsked) as refused:
        ask(past=earlier(1), previous_response_id="resp_1", largest=150)
    assert refused.value.failure.kind is Kind.TOO_LARGE
    assert ask(largest=10)  # without a conversation before it, the body's own limit is enough


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)
KINDS = ["message", "function_call", "function_call_output", "reasoning", "item_reference", "function", "namespace"]
PARTS = st.lists(st.fixed_dictionaries({"type": st.just("input_text"), "text": JSON}), max_size=2)
THING = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | JSON,
        "role": st.sampled_from(["user", "assistant", "developer"]) | JSON,
        "content": JSON | PARTS,
        "name": JSON,
        "namespace": JSON,
        "tools": JSON,
        "call_id": JSON,
        "arguments": JSON | st.just("{}"),
        "output": JSON,
        "id": JSON,
    },
)
FIELDS = [
    "instructions", "previous_response_id", "store", "stream", "background", "background_options", "max_output_tokens",
    "temperature", "tool_choice", "text", "truncation", "reasoning", "metadata", "service_tier", "prompt",
]  # fmt: skip
BODY = st.fixed_dictionaries(
    {"model": st.just("llama3.2"), "input": st.lists(THING | JSON, max_size=4) | JSON},
    optional={"tools": st.lists(THING | JSON, max_size=3) | JSON, **dict.fromkeys(FIELDS, JSON)},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example({"model": "llama3.2", "input": "hi", "text": {"format": {"type": []}}})
@example({"model": "llama3.2", "input": [{"type": []}]})
@example({"model": "llama3.2", "input": "hi", "tools": [{"type": []}]})
@given(BODY | JSON)
def test_any_json_is_read_or_refused(ask, body):
    with suppress(InvalidAsked):
        named(body)
        asked = ask(body)
        assert isinstance(asked, Asked)
        assert asked.request["messages"]
