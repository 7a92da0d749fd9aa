"""What Ollama's command line sends, as it was recorded (0.24.0), and what it needs of the answers."""

import json

import pytest

SHOW_OLD = {"model": "", "system": "", "template": "", "verbose": False, "options": None, "name": "llama3.2"}
SHOW = {"model": "llama3.2", "system": "", "template": "", "verbose": False, "options": None, "name": ""}
RUN = {"model": "llama3.2", "prompt": "hi", "suffix": "", "system": "", "template": "", "options": {}}
UNASKED = {"model": "llama3.2", "prompt": "", "suffix": "", "system": "", "template": "", "options": None}
PULL = {"model": "", "username": "", "password": "", "name": "nope"}


@pytest.fixture
def ask(client, describe):
    """Send what a command sends; each begins by looking whether a server is there."""
    describe()

    def ask(path, body=None):
        assert client.head("/").status_code == 200
        return client.get(path) if body is None else client.post(path, json=body)

    return ask


def test_list_and_ps_have_the_model(ask):
    for path in ("/api/tags", "/api/ps"):
        assert [each["name"] for each in ask(path).json["models"]] == ["llama3.2:latest"]


@pytest.mark.parametrize("body", [SHOW_OLD, SHOW])
def test_show_is_asked_by_either_name(ask, body, facts):
    assert ask("/api/show", body).json == facts["show"]


def test_run_streams_though_nothing_says_so(ask, asking, worker, queued):
    call = asking("/api/generate", **RUN)
    queued()
    worker.answer()

    assert call.answer.content_type == "application/x-ndjson"
    assert json.loads(call.chunks[-1])["done"] is True


def test_an_interactive_run_begins_with_a_load_and_stop_ends_with_an_unload(ask):
    assert ask("/api/generate", UNASKED).json["done_reason"] == "load"
    assert ask("/api/generate", UNASKED | {"keep_alive": "0s"}).json["done_reason"] == "unload"


def test_a_model_that_is_not_there_is_pulled_and_what_is_said_of_that_is_what_a_person_reads(ask):
    missing = ask("/api/show", SHOW_OLD | {"name": "nope"})
    assert (missing.status_code, missing.json) == (404, {"error": "model 'nope:latest' not found"})

    *_, last = map(json.loads, ask("/api/pull", PULL).response)
    assert last == {"error": "pull model manifest: file does not exist"}


def test_pulling_the_model_that_is_there_succeeds(ask):
    *_, last = map(json.loads, ask("/api/pull", PULL | {"name": "llama3.2"}).response)

    assert last == {"status": "success"}
