"""What the simulator says: pleasant, plainly simulated, and the same for the same prompt."""

import json
from typing import Any

import pytest

from simulator.answer import Answer
from simulator.client import Simulator
from simulator.question import read_question
from simulator.text import answer_to, tokens_of

from .raw import Raw, ask

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def chat(simulator: Simulator, content: str, **more: Any) -> Any:
    messages = [{"role": "user", "content": content}]
    value = {"model": "llama3.2", "messages": messages, "stream": False} | more
    return ask(simulator.port, "/api/chat", value).json


def test_an_answer_says_that_it_is_simulated_and_repeats_the_question() -> None:
    text = answer_to("Why is the sky blue?")

    assert text.startswith("*Simulated answer.*")
    assert "> Why is the sky blue?" in text
    for mark in ("## ", "\n- ", "```"):
        assert mark in text


def test_the_same_prompt_gets_the_same_text_and_another_prompt_another() -> None:
    assert answer_to("a") == answer_to("a")
    assert len({answer_to(f"question {number}").replace(f"question {number}", "") for number in range(20)}) > 5


def test_some_answers_have_a_table_and_none_is_broken_by_its_question() -> None:
    answers = [answer_to(f"a | b ``` {number}\n\n# c") for number in range(20)]

    assert any("|---|" in text for text in answers)
    assert all(text.endswith("That is all the simulator has to say.") for text in answers)


def test_the_tokens_are_the_text() -> None:
    for prompt in ("hi", "多言語 😀 e\u0301", "x" * 9000, "", "a\n\n\tb  c"):
        assert "".join(tokens_of(answer_to(prompt))) == answer_to(prompt)


def test_streamed_and_whole_and_both_endpoints_say_the_same(simulator: Simulator) -> None:
    prompt = "What is 1 < 2 & 3 > 2?"
    value = {"model": "llama3.2", "prompt": prompt}

    streamed = "".join(line["response"] for line in ask(simulator.port, "/api/generate", value).lines)
    whole = ask(simulator.port, "/api/generate", value | {"stream": False}).json["response"]

    assert streamed == whole == chat(simulator, prompt)["message"]["content"] == answer_to(prompt)


def test_each_token_is_one_line_at_the_pace_that_is_set(simulator: Simulator) -> None:
    simulator.set(pace=0.02)

    reply = ask(simulator.port, "/api/generate", {"model": "llama3.2", "prompt": "hi", "options": {"num_predict": 10}})

    last = reply.lines[-1]
    assert (len(reply.lines), last["eval_count"], last["done_reason"]) == (11, 10, "length")
    assert 0.9 * 10 * 0.02e9 <= last["eval_duration"] < 0.5e9


def test_a_count_that_is_zero_is_left_out() -> None:
    question = read_question({"model": "llama3.2", "prompt": "hi"}, is_chat=False)

    record = Answer(question=question, context=[1], eval_count=1).last("stop", whole=True)

    assert list(record) == ["model", "created_at", "response", "done", "done_reason", "context", "eval_count"]


def test_format_json_and_a_schema_are_kept(simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "of": {"enum": ["a", "b"]}}}

    assert json.loads(chat(simulator, "hi", format="json")["message"]["content"])["question"] == "hi"
    assert json.loads(chat(simulator, "hi", format=schema)["message"]["content"]) == {"n": 7, "of": "a"}


def test_a_schema_with_references_is_followed(simulator: Simulator) -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"type": "boolean"}, "minItems": 2}}}

    assert json.loads(chat(simulator, "hi", format=schema)["message"]["content"]) == [True, True]


def test_a_tool_whose_name_is_mentioned_is_called(simulator: Simulator) -> None:
    reply = chat(simulator, "Please use get_weather for Paris", tools=[TOOL])

    call = reply["message"]["tool_calls"][0]
    assert reply["message"]["content"] == ""
    assert list(call) == ["id", "function"]
    assert call["function"] == {"index": 0, "name": "get_weather", "arguments": {"city": "simulated"}}
    assert reply["done_reason"] == "stop"


def test_a_streamed_tool_call_comes_whole_in_one_record(simulator: Simulator) -> None:
    with Raw(simulator.port) as raw:
        messages = [{"role": "user", "content": "get_weather!"}]
        raw.post("/api/chat", {"model": "llama3.2", "messages": messages, "tools": [TOOL]})
        lines = raw.reply().lines

    assert [("tool_calls" in line["message"], line["done"]) for line in lines] == [(True, False), (False, True)]


@pytest.mark.parametrize("content", ["What is the weather?", "get_weather_not"])
def test_a_tool_that_is_not_mentioned_is_not_called(simulator: Simulator, content: str) -> None:
    assert "tool_calls" not in chat(simulator, content, tools=[TOOL])["message"]


def test_an_answer_to_a_tools_result_is_text(simulator: Simulator) -> None:
    messages = [{"role": "user", "content": "get_weather"}, {"role": "tool", "content": "get_weather says: rain"}]

    reply = ask(
        simulator.port, "/api/chat", {"model": "llama3.2", "messages": messages, "tools": [TOOL], "stream": False}
    )

    assert "get_weather says: rain" in reply.json["message"]["content"]


def test_a_text_that_is_set_is_the_answer_to_everything(simulator: Simulator) -> None:
    simulator.set(text="one two")

    assert chat(simulator, "hi")["message"]["content"] == "one two"


def test_an_agent_is_led_through_a_task_by_answers_that_were_told(simulator: Simulator) -> None:
    simulator.say(
        {"turn": 0, "text": "I look.", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]},
        {"turn": 1, "text": "It snows in Oslo."},
    )

    first = chat(simulator, "How is it in Oslo?", tools=[TOOL])["message"]
    asked = [{"role": "user", "content": "How is it in Oslo?"}, first]
    second = chat(simulator, "", tools=[TOOL], messages=[*asked, {"role": "tool", "content": "snow"}])["message"]

    call = first["tool_calls"][0]
    assert first["content"] == "I look."
    assert call["id"].startswith("call_")
    assert call["function"] == {"index": 0, "name": "get_weather", "arguments": {"city": "Oslo"}}
    assert second == {"role": "assistant", "content": "It snows in Oslo."}
    assert simulator.state()["answers"] == []


def test_the_calls_of_a_told_answer_come_whole_in_one_record_after_its_text(simulator: Simulator) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Oslo", "Rome")]
    simulator.say({"text": "I look.", "tool_calls": calls})

    value = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}], "tools": [TOOL]}
    messages = [line["message"] for line in ask(simulator.port, "/api/chat", value).lines]

    assert "".join(each["content"] for each in messages[:-2]) == "I look."
    assert [each["function"]["index"] for each in messages[-2]["tool_calls"]] == [0, 1]
    assert len({each["id"] for each in messages[-2]["tool_calls"]}) == 2
    assert messages[-1] == {"role": "assistant", "content": ""}


def test_a_told_answer_waits_for_the_call_that_it_fits(simulator: Simulator) -> None:
    simulator.say(
        {"text": "with the tool", "tool_calls": [{"name": "get_weather", "arguments": {}}]},
        {"match": "second", "text": "to the second"},
        {"turn": 3, "text": "late"},
    )

    assert chat(simulator, "the first")["message"]["content"].startswith("*Simulated")
    assert chat(simulator, "the second")["message"]["content"] == "to the second"
    assert chat(simulator, "the second")["message"]["content"].startswith("*Simulated")
    assert chat(simulator, "hi", tools=[TOOL])["message"]["content"] == "with the tool"
    assert [each["text"] for each in simulator.state()["answers"]] == ["late"]


def test_what_was_told_for_ever_is_said_to_the_same_turn_each_time(simulator: Simulator) -> None:
    simulator.say({"turn": 0, "text": "always", "times": None})

    assert [chat(simulator, "hi")["message"]["content"] for _ in range(3)] == ["always"] * 3

    simulator.reset()
    assert chat(simulator, "hi")["message"]["content"].startswith("*Simulated")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "says nothing"),
        ({"text": 1}, "text"),
        ({"text": "a", "turn": -1}, "turn"),
        ({"text": "a", "times": 0}, "times"),
        ({"text": "a", "sound": "b"}, "sound"),
        ({"tool_calls": [{"name": "f"}]}, "tool_calls"),
        ({"tool_calls": {"name": "f"}}, "tool_calls"),
    ],
)
def test_what_is_no_answer_cannot_be_told(simulator: Simulator, told: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        simulator.say({"text": "good"}, told)

    assert simulator.state()["answers"] == []
