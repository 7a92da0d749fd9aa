"""Whatever JSON comes, reading it gives a request or a refusal in words, never another error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Failure
from proxy.faces.openai.chat.reading import Chat
from proxy.faces.openai.chat.reading import read as read_chat
from proxy.faces.openai.completions.reading import Completion
from proxy.faces.openai.completions.reading import read as read_completion

TYPES = ["function", "text", "image_url", "json_schema", "json_object", "custom", "allowed_tools", "refusal"]
WORDS = st.sampled_from([*TYPES, "", "none", "low", "user", "tool", "developer", "assistant", "call_1", "f", "{}", "{"])
NAMES = st.sampled_from(
    [
        "role", "content", "type", "text", "function", "name", "arguments", "tool_calls", "tool_call_id", "id",
        "function_call", "parameters", "description", "json_schema", "schema", "effort", "include_usage", "refusal",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANYTHING = st.recursive(
    SCALARS | WORDS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES | st.text(), below, max_size=6),
    max_leaves=20,
)
FUNCTIONS = st.fixed_dictionaries({"name": WORDS, "arguments": WORDS | st.text()})
CALLS = st.lists(st.fixed_dictionaries({"function": FUNCTIONS}, optional={"id": WORDS}))
PARTS = st.lists(st.fixed_dictionaries({"type": WORDS, "text": ANYTHING}))
MESSAGE = st.fixed_dictionaries(
    {"role": WORDS},
    optional={
        "content": WORDS | ANYTHING | PARTS, "tool_calls": CALLS, "function_call": ANYTHING, "tool_call_id": WORDS,
    },
)  # fmt: skip
MESSAGES = st.lists(MESSAGE, max_size=4)


def bodies(model, **likely):
    """Bodies of any JSON, and such as look like requests."""
    fields = dict.fromkeys(model.model_fields, ANYTHING) | {"model": st.just("llama3.2"), **likely}
    return ANYTHING | st.fixed_dictionaries({}, optional=fields)


def reads(read, body):
    """Say whether a body is taken; a request must be JSON, and a refusal must say something."""
    found = outcome(read, body)
    if isinstance(found, Failure):
        assert found.message
        return False
    json.dumps([found.request, found.echo, found.metadata], allow_nan=False)
    return True


def outcome(read, body):
    try:
        return read(body, longest=4096)
    except InvalidAsked as refused:
        return refused.failure


@settings(max_examples=100, deadline=None)
@given(body=bodies(Chat, messages=MESSAGES | ANYTHING))
def test_any_body_of_a_chat_is_taken_or_refused(body):
    reads(read_chat, body)


@settings(max_examples=100, deadline=None)
@given(messages=MESSAGES)
def test_any_messages_are_taken_or_refused(messages):
    reads(read_chat, {"model": "llama3.2", "messages": messages})


@settings(max_examples=100, deadline=None)
@given(body=bodies(Completion, prompt=WORDS | ANYTHING))
def test_any_body_of_a_completion_is_taken_or_refused(body):
    reads(read_completion, body)


GOOD = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}], "prompt": "hi"}


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from([*Chat.model_fields]), value=WORDS | ANYTHING)
def test_a_chat_with_anything_in_one_field_is_taken_or_refused_by_that_field(name, value):
    found = outcome(read_chat, {**GOOD, name: value})

    if isinstance(found, Failure):
        assert (found.param or "").split(".")[0] == name


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from([*Completion.model_fields]), value=WORDS | ANYTHING)
def test_a_completion_with_anything_in_one_field_is_taken_or_refused_by_that_field(name, value):
    found = outcome(read_completion, {**GOOD, name: value})

    if isinstance(found, Failure):
        assert (found.param or "").split(".")[0] == name


@pytest.mark.parametrize("read", [read_chat, read_completion])
def test_a_text_nested_deeper_than_python_s_stack_is_refused(read):
    arguments = "[" * 100_000
    call = {"function": {"name": "f", "arguments": arguments}}
    body = {"model": "llama3.2", "prompt": [[]], "messages": [{"role": "assistant", "tool_calls": [call]}]}

    assert not reads(read, body)
