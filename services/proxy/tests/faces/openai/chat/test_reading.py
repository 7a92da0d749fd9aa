from __future__ import annotations

import pytest
from promptqueue.prompt import Priority
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.chat.reading import read

HI = {"role": "user", "content": "hi"}
OPTIONS = {"temperature": 1.0, "top_p": 1.0, "num_predict": 4096}
TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
TAKEN = {"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def body(**fields):
    return {"model": "llama3.2", "messages": [HI], **fields}


def asked(**fields):
    return read(body(**fields), longest=4096)


def refusal(**fields):
    with pytest.raises(InvalidAsked) as refused:
        asked(**fields)
    return refused.value.failure


def test_the_least_request_asks_its_messages_and_for_nothing_else():
    found = asked()

    assert found.request == {"messages": [HI], "options": OPTIONS}
    assert found.echo == {"model": "llama3.2", "include_usage": False}
    assert (found.streams, found.priority, found.metadata, found.ignored) == (False, Priority.INTERACTIVE, None, ())


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"max_tokens": 5}, {"options": {**OPTIONS, "num_predict": 5}}),
        ({"max_completion_tokens": 5}, {"options": {**OPTIONS, "num_predict": 5}}),
        ({"max_completion_tokens": 5, "max_tokens": 6}, {"options": {**OPTIONS, "num_predict": 5}}),
        ({"max_tokens": 0}, {"options": OPTIONS}),
        ({"max_tokens": -1}, {"options": OPTIONS}),
        ({"temperature": 0, "stop": "a"}, {"options": {**OPTIONS, "temperature": 0, "stop": ["a"]}}),
        ({"response_format": {"type": "text"}}, {"options": OPTIONS}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}, {"format": SCHEMA}),
        ({"tools": [TOOL]}, {"tools": [TOOL]}),
        ({"tools": []}, {"options": OPTIONS}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"options": OPTIONS}),
        ({"functions": [{"name": "f"}]}, {"tools": [TOOL]}),
        ({"functions": [{"name": "f"}, {"name": "g"}], "function_call": {"name": "f"}}, {"tools": [TOOL]}),
        ({"functions": [{"name": "f"}], "function_call": "none"}, {"options": OPTIONS}),
    ],
)  # fmt: skip
def test_a_field_says_in_ollama_s_words_what_it_meant(fields, request_):
    assert asked(**fields).request == {"messages": [HI], "options": OPTIONS, **request_}


@pytest.mark.parametrize(
    ("messages", "taken"),
    [
        ([{"role": "developer", "content": "s"}, HI], [{"role": "system", "content": "s"}, HI]),
        ([{"role": "user", "content": "", "name": "Ann"}], [{"role": "user", "content": ""}]),
        ([{"role": "narrator", "content": "x"}], [{"role": "narrator", "content": "x"}]),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
            [{"role": "user", "content": "a\nb"}],
        ),
        (
            [HI, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
            [HI, {"role": "assistant", "content": "", "tool_calls": [TAKEN]}],
        ),
        (
            [
                {"role": "assistant", "content": "So.", "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": "5"},
            ],
            [
                {"role": "assistant", "content": "So.", "tool_calls": [TAKEN]},
                {"role": "tool", "content": "5", "tool_name": "f", "tool_call_id": "call_1"},
            ],
        ),
        (
            [{"role": "tool", "tool_call_id": "call_9", "content": "5"}],
            [{"role": "tool", "content": "5", "tool_call_id": "call_9"}],
        ),
        (
            [
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
                {"role": "function", "name": "f", "content": "5"},
            ],
            [
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
                },
                {"role": "tool", "content": "5", "tool_name": "f"},
            ],
        ),
    ],
)
def test_messages_become_ollama_s(messages, taken):
    assert asked(messages=messages).request["messages"] == taken


def test_a_result_belongs_to_the_nearest_call_of_its_id():
    """Ids that a client made itself may come again in the next turn."""

    def called(name):
        return {"role": "assistant", "tool_calls": [{"id": "0", "function": {"name": name, "arguments": "{}"}}]}

    result = {"role": "tool", "tool_call_id": "0", "content": "5"}

    taken = asked(messages=[called("f"), result, called("g"), result]).request["messages"]

    assert [message["tool_name"] for message in taken if message["role"] == "tool"] == ["f", "g"]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"logprobs": False, "top_logprobs": 0},
        {"logit_bias": {}},
        {"reasoning_effort": "none"},
        {"reasoning": {"effort": "none"}},
        {"reasoning": {"summary": "auto"}},
        {"modalities": ["text"]},
        {"user": "u", "store": True, "parallel_tool_calls": False, "prediction": {}, "verbosity": "low"},
        {"prompt_cache_key": "k", "safety_identifier": "s", "web_search_options": {}, "moderation": {}},
        {"options": {"num_ctx": 9}, "keep_alive": 0, "whatever": [1]},
        dict.fromkeys(("n", "logprobs", "top_logprobs", "logit_bias", "reasoning_effort", "reasoning", "modalities")),
        dict.fromkeys(("audio", "service_tier", "metadata", "stream", "stream_options", "tools", "tool_choice")),
        dict.fromkeys(("max_tokens", "max_completion_tokens", "temperature", "stop", "response_format")),
    ],
)
def test_a_field_that_asks_for_nothing_is_let_be(fields):
    assert asked(**fields) == asked()


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"messages": []}, "messages", "[] is too short - 'messages'"),
        ({"messages": None}, "messages", "[] is too short - 'messages'"),
        ({"messages": "hi"}, "messages", "list"),
        ({"messages": [5]}, "messages.0", "object"),
        ({"messages": [{"content": "hi"}]}, "messages.0.role", "missing"),
        ({"messages": [{"role": 5, "content": "hi"}]}, "messages.0.role", "string"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "missing"),
        ({"messages": [HI, {"role": "user", "content": None}]}, "messages.1.content", "missing"),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": []}]}, "messages.0.content", "missing"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0", "images"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {}}]}]},
            "messages.0.tool_calls.0.function",
            "missing",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]},
            "messages.0.tool_calls.0.function.arguments",
            "JSON object",
        ),
        (
            {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": "{"}}]},
            "messages.0.function_call.arguments",
            "JSON object",
        ),
        ({"model": None}, "model", "model is required"),
        ({"model": ""}, "model", "model is required"),
        ({"model": 5}, "model", "string"),
        ({"max_tokens": "5"}, "max_tokens", "integer"),
        ({"temperature": "hot"}, "temperature", "number"),
        ({"stop": 5}, "stop", "list"),
        ({"response_format": {"type": "x"}}, "response_format.type", "json_schema"),
        ({"response_format": "json"}, "response_format", "object"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "response_format", "JSON Schema"),
        ({"tools": "f"}, "tools", "list"),
        ({"tools": [{"type": "function"}]}, "tools.0.function", "object"),
        ({"functions": [{}]}, "functions.0.name", "missing"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice", "names"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call", "names"),
        ({"n": 2}, "n", "one answer"),
        ({"n": 0}, "n", "one answer"),
        ({"logprobs": True}, "logprobs", "probabilities"),
        ({"top_logprobs": 1}, "top_logprobs", "probabilities"),
        ({"logit_bias": {"50256": -100}}, "logit_bias", "likely"),
        ({"modalities": ["text", "audio"]}, "modalities", "audio"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio", "audio"),
        ({"reasoning_effort": "low"}, "reasoning_effort", '"llama3.2" does not support thinking'),
        ({"reasoning": {"effort": "high"}}, "reasoning.effort", '"llama3.2" does not support thinking'),
        ({"reasoning_effort": "x"}, "reasoning_effort", 'invalid reasoning value: "x" (must be "minimal", "low", '),
        ({"stream": "yes"}, "stream", "boolean"),
        ({"stream_options": []}, "stream_options", "object"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "boolean"),
        ({"service_tier": 5}, "service_tier", "string"),
        ({"service_tier": "x" * 65}, "service_tier", "64 characters"),
        ({"metadata": {"a": 5}}, "metadata.a", "string"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata", "16 pairs"),
        ({"metadata": dict.fromkeys(map(str, range(17)), 5)}, "metadata", "16 pairs"),
        ({"metadata": {"a": "b" * 513}}, "metadata", "512 characters"),
        ({"metadata": {"a" * 65: "b"}}, "metadata", "64"),
        ({"metadata": {str(number): "🙂" * 512 for number in range(16)}}, "metadata", "16384 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_its_field(fields, param, says):
    failure = refusal(**fields)

    assert (failure.kind, failure.param) == (Kind.INVALID, param)
    assert says in failure.message


@pytest.mark.parametrize("given", [None, [], "hi", 5, True])
def test_a_body_that_is_no_object_is_refused(given):
    with pytest.raises(InvalidAsked, match="JSON object"):
        read(given, longest=4096)


@pytest.mark.parametrize(
    ("tier", "priority"),
    [("flex", Priority.BATCH), ("auto", Priority.INTERACTIVE), ("anything", Priority.INTERACTIVE)],
)
def test_a_tier_of_service_is_repeated_and_flex_waits_behind_the_others(tier, priority):
    found = asked(service_tier=tier)

    assert found.priority is priority
    assert found.echo["service_tier"] == tier


def test_metadata_is_the_prompt_s():
    assert asked(metadata={"a": "b"}).metadata == {"a": "b"}
    assert asked(metadata={}).metadata is None
    largest = {f"{number:064}": "a" * 512 for number in range(16)}
    assert asked(metadata=largest).metadata == largest


def test_a_stream_is_asked_for_and_its_counts_too():
    found = asked(stream=True, stream_options={"include_usage": True})

    assert found.streams
    assert found.echo["include_usage"] is True


def test_tools_of_other_kinds_are_dropped_and_named():
    assert asked(tools=[TOOL, {"type": "web_search"}]).ignored == ("tools",)
    assert asked(tools=[TOOL]).ignored == ()
