"""The model as other protocols ask for it: what is known of it comes from what a worker last read."""

import pytest
from promptqueue.condition import Model, ModelState
from proxy.app import parts
from proxy.calls import model as served_model
from proxy.calls.model import Served, seconds_of

TAG = {"name": "llama3.2:latest", "modified_at": "2025-05-04T17:37:44.706015396-07:00"}
FACTS = {"version": "0.33.0", "tag": TAG, "show": {"template": "x"}, "context_length": 8192}


@pytest.fixture
def served(app):
    return Served(parts(app))


def describe(worker, queue, *, name="llama3.2", state=ModelState.READY, facts=None):
    model = Model(name=name, state=state)
    queue.describe_model(model, worker=worker.terms.worker, server="http://ollama:11434", facts=facts)


def test_before_any_worker_has_looked_the_usual_model_is_served_and_nothing_is_known_of_it(served):
    assert (served.name, served.state(), served.facts()) == ("llama3.2", ModelState.UNREACHABLE, None)
    assert (served.context_length, served.created) == (4096, 0)


def test_a_worker_says_how_it_is(served, worker, queue):
    describe(worker, queue, facts=FACTS)

    assert (served.name, served.state(), served.facts()) == ("llama3.2", ModelState.READY, FACTS)
    assert (served.context_length, served.created) == (8192, 1746405464)


def test_until_a_server_says_how_many_tokens_it_sees_the_setting_does(make_app, worker, queue):
    served = Served(parts(make_app(ollama_context_length=2048)))
    describe(worker, queue, facts=FACTS | {"context_length": None})

    assert served.context_length == 2048


def test_what_was_read_is_used_for_a_second_and_not_for_longer(served, worker, queue, monkeypatch):
    now = 100.0
    monkeypatch.setattr(served_model.time, "monotonic", lambda: now)
    before = served.state()
    describe(worker, queue)

    now = 100.9
    assert served.state() == before
    now = 101.0
    assert served.state() is ModelState.READY


@pytest.mark.parametrize(
    ("configured", "name"),
    [
        ("llama3.2", "llama3.2"),
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2", "LLaMA3.2:Latest"),
        ("llama3.2", "library/llama3.2"),
        ("llama3.2", "registry.ollama.ai/library/llama3.2:latest"),
        ("llama3.2", " llama3.2 "),
        ("llama3.2:1b", "llama3.2:1B"),
        ("Me/Mine", "me/mine:latest"),
        ("hf.co/me/mine:Q4", "hf.co/me/mine:q4"),
        ("a.example:5000/me/mine", "a.example:5000/me/mine:latest"),
    ],
)
def test_each_of_its_names_is_its(served, worker, queue, configured, name):
    describe(worker, queue, name=configured)

    assert served.answers(name)


@pytest.mark.parametrize(
    "name",
    [
        *["", "llama3", "llama3.2:1b", "llama3.2:cloud", "me/llama3.2", "a.example/library/llama3.2", "llama3.2:"],
        " " * 1_000 + "llama3.2",  # which answers would repeat with each of their pieces
    ],
)
def test_no_other_name_is(served, name):
    assert not served.answers(name)


@pytest.mark.parametrize("moment", [None, "", "yesterday", 5, {}])
def test_a_moment_that_is_none_is_the_epoch(moment):
    assert seconds_of(moment) == 0
