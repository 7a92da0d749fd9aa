from __future__ import annotations

import pytest
from promptqueue.prompt import Priority
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.completions.reading import read

OPTIONS = {"temperature": 1.0, "top_p": 1.0, "num_predict": 4096}


def asked(**fields):
    return read({"model": "llama3.2", "prompt": "hi", **fields}, longest=4096)


@pytest.mark.parametrize(
    ("prompt", "taken"), [("hi", "hi"), (["hi"], "hi"), (" ", " "), ("", ""), ([""], ""), (None, "")]
)
def test_a_prompt_is_one_text(prompt, taken):
    assert asked(prompt=prompt).request == {"prompt": taken, "options": OPTIONS}


def test_its_fields_are_read_as_those_of_a_chat():
    found = asked(max_tokens=5, temperature=0, stop=["a"], service_tier="flex", metadata={"a": "b"}, stream=True)

    assert found.request["options"] == {**OPTIONS, "num_predict": 5, "temperature": 0, "stop": ["a"]}
    assert (found.streams, found.priority, found.metadata) == (True, Priority.BATCH, {"a": "b"})
    assert found.echo == {"model": "llama3.2", "include_usage": False, "service_tier": "flex"}


@pytest.mark.parametrize(
    "fields",
    [
        {"suffix": "", "echo": False, "best_of": 1, "n": 1, "logprobs": None, "logit_bias": {}},
        {"suffix": None, "echo": None, "best_of": None, "n": None, "logit_bias": None},
        {"user": "u", "whatever": [1]},
    ],
)
def test_a_field_that_asks_for_nothing_is_let_be(fields):
    assert asked(**fields) == asked()


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"prompt": ["a", "b"]}, "prompt", "one text"),
        ({"prompt": []}, "prompt", "one text"),
        ({"prompt": [1, 2]}, "prompt", "tokens"),
        ({"prompt": [[1, 2]]}, "prompt", "tokens"),
        ({"prompt": 5}, "prompt", "one text"),
        ({"prompt": {}}, "prompt", "one text"),
        ({"suffix": "x"}, "suffix", "registry.ollama.ai/library/llama3.2:latest does not support insert"),
        ({"suffix": "x", "model": "llama3.2:1b"}, "suffix", "registry.ollama.ai/library/llama3.2:1b does not"),
        ({"echo": True}, "echo", "repeat"),
        ({"best_of": 2}, "best_of", "one answer"),
        ({"n": 2}, "n", "one answer"),
        ({"logprobs": 1}, "logprobs", "probabilities"),
        ({"logprobs": 0}, "logprobs", "probabilities"),
        ({"logit_bias": {"1": 1}}, "logit_bias", "likely"),
        ({"max_tokens": "5"}, "max_tokens", "integer"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(fields, param, says):
    with pytest.raises(InvalidAsked) as refused:
        asked(**fields)

    assert (refused.value.failure.kind, refused.value.failure.param) == (Kind.INVALID, param)
    assert says in refused.value.failure.message


@pytest.mark.parametrize("model", [None, ""])
def test_a_missing_model_is_an_unknown_one_as_in_ollama(model):
    with pytest.raises(InvalidAsked, match="model '' not found") as refused:
        asked(model=model)

    assert refused.value.failure.kind is Kind.UNKNOWN_MODEL
