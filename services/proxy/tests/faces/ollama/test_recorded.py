"""Each request recorded of a real Ollama is answered as it was by the whole product, but for what is listed."""

import tomllib
from pathlib import Path

import pytest
from ollama_recordings import all_cases, differences
from simulator.client import Simulator
from simulator.tests.exchange import exchange
from simulator.tests.raw import Raw
from simulator.tests.transcript import WORDS
from support.stack import Stack
from support.waiting import until

CASES = all_cases()
LISTED = tomllib.loads((Path(__file__).parent / "differences.toml").read_text("utf-8"))["difference"]
"""Where this product answers otherwise, on purpose, and why; the same list is part of the documentation."""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Where the product answers: proxy, worker and a simulator that has the words of the recorded model."""
    with Simulator(models=["llama3.2"], text=WORDS, bytes_per_token=1) as simulator:
        stack = Stack(tmp_path_factory.mktemp("recorded"), simulator)
        try:
            stack.start()
            until(lambda: stack.get("/api/tags").json["models"], "the worker has told of the model")
            yield stack.port
        finally:
            stack.stop()


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['case']}" for name, case in CASES])
def test_a_recorded_request_is_answered_as_it_was(port, name, case):
    reasons = [each["why"] for each in LISTED if case["case"] in each["cases"].get(name, ())]
    for line in case.get("first_sent", ()):
        path, _, body = line.partition(" ")
        with Raw(port) as raw:
            raw.request("POST", path, body.encode())
            raw.reply()

    found = _differences(port, case)

    if reasons:
        assert found, f"it is listed as different: {reasons[0]}"
    else:
        assert found == []


def test_nothing_is_listed_that_was_not_recorded_and_nothing_twice():
    recorded = {(name, case["case"]) for name, case in CASES}
    listed = [(name, case) for each in LISTED for name, cases in each["cases"].items() for case in cases]

    assert set(listed) <= recorded
    assert len(listed) == len(set(listed))
    assert len(recorded) == len(CASES) > 410


def _differences(port, case):
    answers = [each for each in case["answer"].get("answers", [case["answer"]]) if "status" in each]
    try:
        replies, _ = exchange(port, case)
    except OSError as error:
        return [f"no answer: {error!r}"]
    pairs = zip(answers, replies, strict=True)
    return [wrong for answer, reply in pairs for wrong in differences(case["case"], answer, reply)]
