"""What a request for a message becomes: Ollama's words, or a refusal that says which field is wrong."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.faces.anthropic import reading

QUESTION = {"role": "user", "content": "Why is the sky blue?"}
WEATHER = {
    "name": "get_weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
AS_OLLAMA_HAS_IT = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Tell the weather.", "parameters": WEATHER["input_schema"]},
}
BARE = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"sky": {"type": "string"}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
CALLED = {"id": "toolu_1", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}


def body(**fields):
    """A body whose fields can be changed, and left out by None."""
    whole = {"model": "llama3.2", "max_tokens": 100, "messages": [QUESTION], **fields}
    return {name: value for name, value in whole.items() if value is not None}


def text(said, **more):
    return {"type": "text", "text": said, **more}


def result(content, **more):
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **more}


CONVERSATIONS = {
    "a text": ([QUESTION], [QUESTION]),
    "texts apart": (
        [{"role": "user", "content": [text("Why?", cache_control={"type": "ephemeral"}), text("Blue.")]}],
        [{"role": "user", "content": "Why?\nBlue."}],
    ),
    "an empty text": ([{"role": "user", "content": ""}], [{"role": "user", "content": ""}]),
    "words of the system in the middle": (
        [QUESTION, {"role": "system", "content": [text("Be brief.")]}, QUESTION],
        [QUESTION, {"role": "system", "content": "Be brief."}, QUESTION],
    ),
    "an answer that is begun": (
        [QUESTION, {"role": "assistant", "content": "Because"}],
        [QUESTION, {"role": "assistant", "content": "Because"}],
    ),
    "the model's own texts, which go on": (
        [QUESTION, {"role": "assistant", "content": [text("Because of "), text("Rayleigh.")]}],
        [QUESTION, {"role": "assistant", "content": "Because of Rayleigh."}],
    ),
    "a call, thoughts around it": (
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                    text("I look."),
                    CALL,
                    {"type": "redacted_thinking", "data": "x"},
                ],
            }
        ],
        [{"role": "assistant", "content": "I look.", "tool_calls": [CALLED]}],
    ),
    "a call without words": (
        [{"role": "assistant", "content": [{**CALL, "input": None}]}],
        [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "toolu_1", "function": {"name": "get_weather", "arguments": {}}}],
            }
        ],
    ),
    "what a tool answered, before the words beside it": (
        [
            {"role": "assistant", "content": [CALL]},
            {"role": "user", "content": [text("And now?"), result("Rain.", is_error=False)]},
        ],
        [
            {"role": "assistant", "content": "", "tool_calls": [CALLED]},
            {"role": "tool", "content": "Rain.", "tool_call_id": "toolu_1", "tool_name": "get_weather"},
            {"role": "user", "content": "And now?"},
        ],
    ),
    "an answer of a call that was not sent": (
        [{"role": "user", "content": [result([text("Rain."), text("Wind.")])]}],
        [{"role": "tool", "content": "Rain.\nWind.", "tool_call_id": "toolu_1"}],
    ),
    "an answer without words": (
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]}],
        [{"role": "tool", "content": "", "tool_call_id": "toolu_1"}],
    ),
    "an answer that names tools": (
        [{"role": "user", "content": [result([{"type": "tool_reference", "tool_name": "x"}, text("Found.")])]}],
        [{"role": "tool", "content": "Found.", "tool_call_id": "toolu_1"}],
    ),
    "something found": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "search_result", "source": "https://sky", "title": "Sky", "content": [text("Blue.")]}
                ],
            }
        ],
        [{"role": "user", "content": "Sky\nhttps://sky\nBlue."}],
    ),
    "a vendor's own tools, which leave nothing of a turn": (
        [QUESTION, {"role": "assistant", "content": [{"type": "server_tool_use", "id": "x"}]}, QUESTION],
        [QUESTION, QUESTION],
    ),
    "no blocks": ([QUESTION, {"role": "user", "content": []}], [QUESTION]),
    "blocks of tomorrow": (
        [{"role": "user", "content": [text("Look."), {"type": "hologram", "data": 1}]}],
        [{"role": "user", "content": "Look."}],
    ),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_told_in_ollamas_words(name):
    messages, told = CONVERSATIONS[name]

    assert reading.read(body(messages=messages)).request["messages"] == told


FIELDS = {
    "the limit": ({"max_tokens": 7}, {"options": {"num_predict": 7}}),
    "how it is sampled": (
        {"temperature": 0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["END"]},
        {"options": {"num_predict": 100, "temperature": 0, "top_p": 0.5, "top_k": 3, "stop": ["END"]}},
    ),
    "no stop sequences": ({"stop_sequences": []}, {"options": {"num_predict": 100, "stop": []}}),
    "words of the system": ({"system": "Be brief."}, {"system": "Be brief."}),
    "several of them": (
        {"system": [text("Be brief.", cache_control={"type": "ephemeral"}), text("Be kind.")]},
        {"system": "Be brief.\nBe kind."},
    ),
    "none of them": ({"system": ""}, {}),
    "a tool": ({"tools": [{**WEATHER, "cache_control": {"type": "ephemeral"}}]}, {"tools": [AS_OLLAMA_HAS_IT]}),
    "a tool that says it is one": ({"tools": [{**WEATHER, "type": "custom"}]}, {"tools": [AS_OLLAMA_HAS_IT]}),
    "a bare tool": ({"tools": [{"name": "now"}]}, {"tools": [BARE]}),
    "no tool": ({"tools": []}, {}),
    "a choice of tools": ({"tools": [WEATHER], "tool_choice": {"type": "auto"}}, {"tools": [AS_OLLAMA_HAS_IT]}),
    "a choice of none": ({"tools": [WEATHER], "tool_choice": {"type": "none"}}, {}),
    "a choice of one": (
        {"tools": [{"name": "now"}, WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
        {"tools": [AS_OLLAMA_HAS_IT]},
    ),
    "a shape": ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, {"format": SCHEMA}),
    "any JSON": ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {"format": {}}),
    "a shape where it once stood": ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, {"format": SCHEMA}),
    "no shape": ({"output_config": {"format": None, "effort": "high"}}, {}),
}


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_told_in_ollamas_words(name):
    fields, told = FIELDS[name]

    usual = {"messages": [QUESTION], "options": {"num_predict": 100}}
    assert reading.read(body(**fields)).request == {**usual, **told}


REFUSED = {
    "no model": ({"model": None}, "model is required"),
    "an empty model": ({"model": ""}, "model is required"),
    "a model that is no text": ({"model": 5}, "model: Input should be a valid string"),
    "no limit": ({"max_tokens": None}, "max_tokens is required and must be positive"),
    "a limit of nothing": ({"max_tokens": 0}, "max_tokens is required and must be positive"),
    "a limit below": ({"max_tokens": -1}, "max_tokens is required and must be positive"),
    "a limit of half a token": ({"max_tokens": 0.5}, "max_tokens: Input should be greater than 0"),
    "a limit in words": ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
    "a limit that is none": ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    "a limit beyond numbers": ({"max_tokens": 10**300}, "max_tokens: Input should be less than"),
    "no messages": ({"messages": None}, "messages is required"),
    "an empty conversation": ({"messages": []}, "messages is required"),
    "messages that are none": ({"messages": "Hi"}, "messages: Input should be a valid list"),
    "a message that is none": ({"messages": ["Hi"]}, "messages.0: Input should be a valid dictionary"),
    "nothing to answer": (
        {"messages": [{"role": "user", "content": []}]},
        "messages: none holds a text, a tool_use or a tool_result",
    ),
    "a role of nobody": (
        {"messages": [{"role": "tool", "content": "Hi"}]},
        "messages.0.role: Input should be 'user', 'assistant' or 'system'",
    ),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    "a block without a type": (
        {"messages": [QUESTION, {"role": "user", "content": [{"text": "Hi"}]}]},
        "messages.1.content.0: A block must be an object with a type",
    ),
    "a block that is none": (
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        "messages.0.content.0: A block must be an object with a type",
    ),
    "a text without text": (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages.0.content.0.text.text: Field required",
    ),
    "a picture": (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
        "messages.0.content.0.type: only text is read here, no image",
    ),
    "a picture in what a tool answered": (
        {"messages": [{"role": "user", "content": [result([{"type": "document"}])]}]},
        "messages.0.content.0.tool_result.content.0.type: only text is read here, no document",
    ),
    "a call without an id": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]},
        "messages.0.content.0.tool_use.id: Field required",
    ),
    "a call without a name": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]}]},
        "messages.0.content.0.tool_use.name: Field required",
    ),
    "a call by the user": (
        {"messages": [{"role": "user", "content": [CALL]}]},
        "messages.0.content.0: `tool_use` may only stand in turns of assistant",
    ),
    "a result by the model": (
        {"messages": [{"role": "assistant", "content": [text("Hi"), result("Rain.")]}]},
        "messages.0.content.1: `tool_result` may only stand in turns of user",
    ),
    "words of the system that are none": ({"system": {"text": "Hi"}}, "system: Input should be a valid list"),
    "a picture of the system": ({"system": [{"type": "image"}]}, "system.0.type: Input should be 'text'"),
    "a tool without a name": ({"tools": [WEATHER, {"input_schema": {}}]}, "tools.1.name: Field required"),
    "a schema that is none": ({"tools": [{"name": "f", "input_schema": []}]}, "tools.0.input_schema: Input should be"),
    "a choice of no tool": (
        {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "other"}},
        "tool_choice.name: it names none of the tools",
    ),
    "a choice that is none": ({"tool_choice": {"type": "maybe"}}, "tool_choice.type: Input should be 'auto', 'any'"),
    "a temperature in words": ({"temperature": "hot"}, "temperature: Input should be a valid number"),
    "a temperature beyond singles": ({"temperature": 1e300}, "temperature: Input should be less than"),
    "an empty stop": ({"stop_sequences": [""]}, "stop_sequences.0: it must be a text"),
    "a stream that is none": ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    "a shape of another kind": (
        {"output_config": {"format": {"type": "xml", "schema": {}}}},
        "output_config.format.type: Input should be 'json_schema'",
    ),
    "a shape that is no schema": (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": 5}}}},
        "output_config.format.schema: it is not a JSON Schema: type is not allowed there",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_its_name(name):
    fields, sentence = REFUSED[name]
    asked = body(**fields)

    with pytest.raises(InvalidAsked) as refused:
        reading.read(asked)

    assert refused.value.failure.message.startswith(sentence)
    assert refused.value.failure.param == sentence.split(": ")[0].split(" is ")[0]


@pytest.mark.parametrize("value", [None, [], "Hi", 5, True])
def test_a_body_is_an_object(value):
    with pytest.raises(InvalidAsked):
        reading.read(value)


def test_what_a_coding_agent_sends_is_taken_and_what_it_cannot_have_is_named():
    agents = body(
        max_tokens=32_000,
        messages=[{"role": "user", "content": [text("<system-reminder>"), text("Mend it.")]}],
        system=[text("You are an agent.", cache_control={"type": "ephemeral", "ttl": "1h"})],
        tools=[{**WEATHER, "name": f"tool_{number}"} for number in range(24)]
        + [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
        metadata={"user_id": "x"},
        thinking={"type": "adaptive"},
        output_config={"effort": "high"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        stream=True,
        service_tier="auto",
        diagnostics={"previous_message_id": None},
    )

    asked = reading.read(agents)

    assert asked.streams
    assert len(asked.request["tools"]) == 24
    assert asked.request["options"] == {"num_predict": 32_000}
    assert asked.ignored == ("context_management", "thinking", "output_config.effort", "tools.web_search_20250305")


def test_that_a_tool_must_be_called_cannot_be_had_and_is_named():
    assert reading.read(body(tools=[WEATHER], tool_choice={"type": "any"})).ignored == ("tool_choice",)


def test_names_that_a_header_cannot_hold_are_not_named():
    types = ["a\r\nSet-Cookie: x", "ä", "x" * 1_000, *(f"t{number:05}" for number in range(10_000))]

    ignored = reading.read(body(tools=[{"type": each, "name": "f"} for each in types])).ignored

    assert ignored[0] == "tools.t00000"
    assert len(", ".join(ignored)) < 1_000


def test_an_answer_repeats_the_model_as_it_was_written():
    assert reading.read(body(model="Llama3.2:Latest")).echo["model"] == "Llama3.2:Latest"


@pytest.mark.parametrize(("stream", "streams"), [(None, False), (False, False), (True, True)])
def test_a_message_is_streamed_where_that_is_asked(stream, streams):
    assert reading.read(body(stream=stream)).streams is streams


def test_tokens_are_estimated_from_all_texts_and_tools():
    little = body(max_tokens=None, messages=[{"role": "user", "content": "four"}])
    turns = [QUESTION, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [result("Rain.")]}]
    _, of_turns = reading.count({**little, "messages": turns})

    assert reading.count(little) == ("llama3.2", 1)
    assert reading.count({**little, "system": "also four"}) == ("llama3.2", 4)
    assert reading.count({**little, "tools": [WEATHER]})[1] > len(json.dumps(WEATHER, separators=(",", ":"))) / 4
    assert of_turns > (len(QUESTION["content"]) + len(json.dumps(CALL["input"])) + len("Rain.")) / 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
KINDS = ["text", "tool_use", "tool_result", "image", "thinking", "search_result", "custom", "json_schema"]
OF_A_BLOCK = ["text", "id", "name", "input", "tool_use_id", "content", "input_schema"]
OF_A_BODY = ["system", "tools", "tool_choice", "output_config", "temperature", "stop_sequences", "stream"]
SOME = st.deferred(
    lambda: (
        JSON
        | st.fixed_dictionaries({"type": st.sampled_from(KINDS) | JSON}, optional=dict.fromkeys(OF_A_BLOCK, SOME))
        | st.lists(SOME, max_size=3)
    )
)
BODY = st.fixed_dictionaries(
    {"model": st.just("llama3.2") | JSON, "max_tokens": st.integers() | JSON},
    optional={
        "messages": JSON
        | st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant", "system"]) | JSON, "content": SOME | st.text()}
            ),
            max_size=4,
        ),
        **dict.fromkeys(OF_A_BODY, SOME),
    },
)


@given(JSON | BODY)
@example({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": []}]}]})
def test_any_json_is_either_taken_or_refused(value):
    with contextlib.suppress(InvalidAsked):
        asked = reading.read(value)
        assert isinstance(asked, Asked)
        assert asked.request["messages"]
        assert asked.request["options"]["num_predict"] > 0
        assert json.loads(json.dumps([asked.request, asked.echo])) == [asked.request, asked.echo]
