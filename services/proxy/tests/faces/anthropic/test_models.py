"""The model as this protocol lists models."""

from types import SimpleNamespace

import pytest
from anthropic.types import ModelInfo
from promptqueue.condition import ModelState
from proxy.calls.model import whole
from proxy.faces.anthropic import models


def served(name="llama3.2", state=ModelState.READY):
    def answers(asked):
        return whole(asked) == whole(name)

    return SimpleNamespace(name=name, state=lambda: state, answers=answers, context_length=4096, created=1_766_000_000)


def test_the_model_is_on_the_only_page():
    page = models.listed(served())

    assert page == {
        "data": [
            {
                "type": "model",
                "id": "llama3.2:latest",
                "display_name": "Llama 3.2",
                "created_at": "2025-12-17T19:33:20Z",
                "lifecycle": "active",
                "max_input_tokens": 4096,
                "max_tokens": 4096,
            }
        ],
        "has_more": False,
        "first_id": "llama3.2:latest",
        "last_id": "llama3.2:latest",
    }
    assert ModelInfo.model_validate(page["data"][0]).max_tokens == 4096


@pytest.mark.parametrize("state", [ModelState.MISSING, ModelState.DOWNLOADING])
def test_a_model_that_is_not_there_yet_is_not_listed(state):
    assert models.listed(served(state=state)) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert models.named(served(state=state), "llama3.2") is None


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest", "LLAMA3.2"])
def test_a_model_is_found_by_each_of_its_names_and_is_called_so(name):
    assert models.named(served(), name) == {**models.listed(served())["data"][0], "id": name}


def test_no_other_model_is_found():
    assert models.named(served(), "claude-opus-5-5") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("llama3.2", "Llama 3.2"),
        ("llama3.2:latest", "Llama 3.2"),
        ("llama3.2:1b", "Llama 3.2 1b"),
        ("qwen2.5-coder:7b", "Qwen 2.5 Coder 7b"),
        ("somebody/gpt-oss:20b", "Gpt Oss 20b"),
        ("hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M", "Llama 3.2 1B GGUF Q4 K M"),
    ],
)
def test_a_model_is_called_as_people_call_it(name, words):
    assert models.display_name(name) == words
