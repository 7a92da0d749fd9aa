"""What Ollama's clients are told of the model, from what a worker read."""

import pytest
from promptqueue.condition import Model, ModelState
from proxy.faces.ollama import describing

TAG = {
    "name": "llama3.2:latest", "model": "llama3.2:latest", "modified_at": "2026-11-23T10:19:46Z", "size": 1000,
    "digest": "4c8c", "details": {"format": "gguf", "context_length": 131072, "embedding_length": 320},
    "capabilities": ["completion", "tools"],
}  # fmt: skip
FACTS = {"version": "0.33.0", "tag": TAG, "show": {"template": "x"}, "context_length": 4096}
INSTALLED = [ModelState.READY, ModelState.UNREACHABLE, ModelState.TROUBLED]
ABSENT = [ModelState.MISSING, ModelState.DOWNLOADING]


def model(state, processor=None):
    return Model(name="llama3.2", state=state, processor=processor)


def test_the_version_is_the_last_that_was_read():
    assert describing.version(FACTS) == {"version": "0.33.0"}
    assert describing.version(None) == {"version": "0.0.0"}


@pytest.mark.parametrize("state", INSTALLED)
def test_an_installed_model_is_listed_and_shown_as_its_own_server_does(state):
    assert describing.tags(model(state), FACTS) == {"models": [TAG]}
    assert describing.shown(model(state), FACTS) == {"template": "x"}


@pytest.mark.parametrize(("state", "facts"), [*((each, FACTS) for each in ABSENT), (ModelState.UNREACHABLE, None)])
def test_one_that_is_not_there_is_neither_listed_nor_shown(state, facts):
    assert describing.tags(model(state), facts) == {"models": []}
    assert describing.shown(model(state), facts) is None


@pytest.mark.parametrize(("processor", "on_gpu"), [("cpu", 0), (None, 0), ("gpu", 1000), ("mixed", 500)])
def test_a_ready_model_is_loaded_for_ever_and_says_where(processor, on_gpu):
    [loaded] = describing.loaded(model(ModelState.READY, processor), FACTS, context_length=2048)["models"]

    assert list(loaded) == [
        "name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length",
    ]  # fmt: skip
    assert loaded["details"] == {"format": "gguf"}
    assert loaded["expires_at"].startswith("2318-")
    assert (loaded["size_vram"], loaded["context_length"]) == (on_gpu, 2048)


@pytest.mark.parametrize("state", [*ABSENT, ModelState.UNREACHABLE, ModelState.TROUBLED])
def test_one_that_cannot_answer_is_not_loaded(state):
    assert describing.loaded(model(state), FACTS, context_length=2048) == {"models": []}
