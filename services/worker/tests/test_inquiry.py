"""What a server says of itself and of its model is there for everybody to read, and costs nothing where it is not."""

from __future__ import annotations

import pytest
from promptqueue.condition import ModelState
from support.waiting import stays, until
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.client import Loaded
from worker.server import inquiry
from worker.server.inquiry import Inquiry

ANSWERS = {
    "version": "0.33.0",
    "tag": {"name": "llama3.2:latest", "size": 5},
    "show": {"template": "{{ .Prompt }}"},
    "loaded": None,
}
LOADED = Loaded(processor="gpu", context_length=8192)


def nested(levels):
    value: object = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


class Says:
    """A server that says what it is told to, and fails where that is a failure."""

    def __init__(self, **says):
        self.says = ANSWERS | says
        self.asked = 0

    def __getattr__(self, name):
        def ask(*_):
            self.asked += 1
            if isinstance(self.says[name], Exception):
                raise self.says[name]
            return self.says[name]

        return ask


def known(says):
    asked = Inquiry(says, "llama3.2")
    asked.ask()
    return asked.facts


def test_once_the_model_is_ready_everybody_may_read_what_its_server_says(ollama, queue, ready):
    ready()

    facts = until(queue.facts)

    assert facts["version"] == ollama.state()["settings"]["version"]
    assert (facts["tag"]["name"], facts["tag"]["details"]["family"]) == ("llama3.2:latest", "llama")
    assert facts["show"]["model_info"]["general.architecture"] == "llama"
    assert facts["context_length"] is None  # nobody has had it loaded yet


def test_how_long_a_context_the_model_has_is_known_once_it_was_loaded(ollama, queue, ask, completed, ready):
    ollama.set(context_length=512)
    ready()
    until(queue.facts)

    completed(ask("Hi"))

    until(lambda: queue.facts()["context_length"] == 512)


@pytest.mark.usefixtures("hurried")
def test_a_server_that_was_away_is_asked_again(ollama, queue, model_is, ready):
    ready()
    until(queue.facts)
    ollama.kill()
    model_is(ModelState.UNREACHABLE)
    while_it_was_away = queue.facts()

    ollama.start()
    ollama.set(version="0.34.3")

    until(lambda: queue.facts()["version"] == "0.34.3")
    assert while_it_was_away["version"] != "0.34.3"


@pytest.mark.parametrize("path", ["version", "tag", "show", "loaded"])
def test_what_cannot_be_learned_costs_nothing_and_is_asked_again_later(path):
    says = Says(**{path: OllamaFailed(CallEnd(kind=EndKind.UNANSWERED, words="no answer"))})
    asked = Inquiry(says, "llama3.2")

    asked.ask()

    assert (asked.facts, asked.is_due) == (None, False)


@pytest.mark.parametrize(
    "said",
    [
        {"version": ""},
        {"tag": None},
        {"tag": {"name": "x" * inquiry.LARGEST}},
        {"show": {"license": "x" * inquiry.LARGEST}},
        {"show": nested(inquiry.DEEPEST + 1)},
    ],
    ids=["no version", "not listed", "a large entry", "a large answer", "a deep one"],
)
def test_what_is_no_answer_of_ollamas_is_not_kept(said):
    assert known(Says(**said)) is None


def test_what_is_kept_is_what_was_said_and_a_version_has_its_limit():
    facts = known(Says(version="9" * 1_000, show=nested(inquiry.DEEPEST), loaded=LOADED))

    assert facts == {
        "version": "9" * inquiry.LONGEST_VERSION,
        "tag": ANSWERS["tag"],
        "show": nested(inquiry.DEEPEST),
        "context_length": 8192,
    }


def test_what_was_known_stays_where_the_next_answer_is_none():
    says = Says(loaded=LOADED)
    asked = Inquiry(says, "llama3.2")
    asked.ask()
    before = asked.facts

    says.says["tag"] = None
    asked.begin_anew()
    asked.ask()

    assert asked.facts == before


@pytest.mark.parametrize(("is_another", "length"), [(False, 8192), (True, None)])
def test_an_unloaded_models_context_is_as_it_was_unless_the_server_may_be_another(is_another, length):
    says = Says(loaded=LOADED)
    asked = Inquiry(says, "llama3.2")
    asked.ask()

    says.says["loaded"] = None
    if is_another:
        asked.begin_anew()
    asked.ask()

    assert asked.facts["context_length"] == length


def test_while_all_is_well_it_is_asked_once_in_five_minutes(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(inquiry.time, "monotonic", lambda: now[0])
    asked = Inquiry(Says(), "llama3.2")
    due = []

    for seconds in (0, 299, 1):
        now[0] += seconds
        due.append(asked.is_due)
        if asked.is_due:
            asked.ask()

    assert due == [True, False, True]


def test_asking_holds_nobody_back(ollama, queue, ask, completed, worker):
    ollama.fault("drip", path="/api/show", times=None)
    worker()

    assert completed(ask("Hi")).attempt == 1
    stays(lambda: queue.model().state is ModelState.READY, seconds=0.5)
