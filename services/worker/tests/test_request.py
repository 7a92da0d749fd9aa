"""What was asked reaches Ollama as it was asked, fresh each time."""

from __future__ import annotations

import pytest
from worker.ollama.request import call_for


def ask(**request):
    return call_for(request, model="llama3.2", max_tokens=2048)


def test_a_prompt_is_generated_as_a_stream_that_is_never_cut_in_silence():
    path, body = ask(prompt=" hi ")

    assert path == "/api/generate"
    assert body == {
        "model": "llama3.2",
        "stream": True,
        "truncate": False,
        "options": {"num_predict": 2048},
        "prompt": " hi ",
    }


def test_messages_are_a_chat_with_the_system_first():
    path, body = ask(messages=[{"role": "user", "content": "hi"}], system="Be brief.")

    assert path == "/api/chat"
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert "system" not in body
    assert "prompt" not in body


def test_a_prompt_with_tools_becomes_a_chat_since_only_a_chat_knows_tools():
    tools = [{"type": "function", "function": {"name": "now"}}]

    path, body = ask(prompt="What time is it?", tools=tools)

    assert path == "/api/chat"
    assert body["messages"] == [{"role": "user", "content": "What time is it?"}]
    assert body["tools"] == tools


def test_format_system_and_options_are_passed_on():
    _, body = ask(prompt="hi", system="Be brief.", format="json", options={"temperature": 0, "num_predict": 5})

    assert body["system"] == "Be brief."
    assert body["format"] == "json"
    assert body["options"] == {"temperature": 0, "num_predict": 5}


@pytest.mark.parametrize("request_", [{"prompt": "hi"}, {"messages": [{"role": "user", "content": "hi"}]}])
def test_what_is_too_long_is_cut_only_where_that_was_asked_for(request_):
    said = [ask(**request_, **given)[1]["truncate"] for given in ({}, {"truncate": None}, {"truncate": True})]

    assert said == [False, False, True]


def test_a_template_of_its_own_and_none_at_all_are_passed_on_to_where_there_are_templates():
    plain = {"prompt": "[INST] hi", "raw": True}

    assert ask(**plain)[0] == ask(**plain, tools=[{"type": "function"}])[0] == "/api/generate"
    assert ask(**plain)[1]["raw"] is True
    assert ask(prompt="hi", template="{{ .Prompt }}")[1]["template"] == "{{ .Prompt }}"
    assert not ask(prompt="hi", raw=False, template="")[1].keys() & {"raw", "template"}


@pytest.mark.parametrize("asked", ["json", {}, {"type": "object"}])
def test_any_format_is_passed_on_and_none_is_not(asked):
    assert ask(prompt="hi", format=asked)[1]["format"] == asked
    assert "format" not in ask(prompt="hi", format=None)[1]


@pytest.mark.parametrize("asked", [None, 0, -1, -2])
def test_an_unlimited_answer_is_limited_all_the_same(asked):
    _, body = ask(prompt="hi", options={"num_predict": asked})

    assert body["options"]["num_predict"] == 2048


@pytest.mark.parametrize("asked", [2**31 - 1, 2**31, 2**53])
def test_a_limit_is_no_larger_than_ollamas_runner_can_count(asked):
    _, body = ask(prompt="hi", options={"num_predict": asked})

    assert body["options"]["num_predict"] == 2**31 - 1


@pytest.mark.parametrize("request_", [{"prompt": "hi"}, {"messages": [{"role": "user", "content": "hi"}]}])
def test_nothing_is_carried_from_one_prompt_to_the_next(request_):
    _, body = ask(**request_)

    assert not body.keys() & {"context", "keep_alive", "session"}
    assert "seed" not in body["options"]
