"""The model as this protocol lists models."""

from types import SimpleNamespace

import pytest
from anthropic.types import ModelInfo
from promptqueue.condition import ModelState
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import whole
from proxy.faces.anthropic import models


def served(state=ModelState.READY, *, is_known=True):
    facts = {"tag": {"name": "llama3.2:latest"}} if is_known else None
    return SimpleNamespace(
        name="llama3.2",
        state=lambda: state,
        facts=lambda: facts,
        answers=lambda name: whole(name) == "llama3.2:latest",
        context_length=4096,
        created=1_766_000_000,
    )


def test_the_model_is_on_the_only_page():
    page = models.listing(served())

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


@pytest.mark.parametrize("absent", [served(ModelState.MISSING), served(ModelState.DOWNLOADING), served(is_known=False)])
def test_a_model_that_is_not_there_yet_is_neither_listed_nor_found(absent):
    assert models.listing(absent) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    with pytest.raises(InvalidAsked, match=r"^model 'llama3\.2' not found$"):
        models.one(absent, "llama3.2")


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest", "LLAMA3.2"])
def test_a_model_is_found_by_each_of_its_names_and_is_called_so(name):
    assert models.one(served(), name) == {**models.listing(served())["data"][0], "id": name}


def test_no_other_model_is_found():
    with pytest.raises(InvalidAsked) as refused:
        models.one(served(), "claude-opus-5-5")

    assert refused.value.failure.kind is Kind.UNKNOWN_MODEL
    assert refused.value.failure.message == "model 'claude-opus-5-5' not found"


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
