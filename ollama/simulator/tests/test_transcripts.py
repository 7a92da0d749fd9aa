"""The simulator answers as a real Ollama 0.33.0 did: status, headers in their order, framing, fields, error texts."""

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.client import Simulator

from .exchange import exchange
from .not_served import NOT_SERVED
from .raw import Raw
from .transcript import FILES, WORDS, cases, differences

EXCHANGES = [(name, case) for name in FILES for case in cases(name)]


@pytest.fixture(scope="module")
def recorded() -> Iterator[Simulator]:
    """A simulator that has the models of the recorded server, and their words."""
    with Simulator(models=["llama3.2", "slow"], text=WORDS, bytes_per_token=1) as simulator:
        yield simulator


@pytest.mark.parametrize(("name", "case"), EXCHANGES, ids=[f"{name}: {case['case']}" for name, case in EXCHANGES])
def test_an_exchange_is_answered_as_recorded(recorded: Simulator, name: str, case: dict[str, Any]) -> None:
    prepare(recorded, name, case)

    replies, after = exchange(recorded.port, case)

    answers = case["answer"].get("answers", [case["answer"]])
    answers = [answer for answer in answers if "status" in answer]
    assert len(replies) == len(answers)
    pairs = zip(answers, replies, strict=True)
    assert [wrong for answer, reply in pairs for wrong in differences(case["case"], answer, reply)] == []
    assert after == case["answer"].get("then", after)


def test_nothing_is_both_replayed_and_listed_as_not_served() -> None:
    replayed = {(name, case["case"]) for name, case in EXCHANGES}

    assert replayed & set(NOT_SERVED) == set()
    assert len(EXCHANGES) > 380


def prepare(simulator: Simulator, name: str, case: dict[str, Any]) -> None:
    if name == "models":
        offline = case["case"].startswith(("pull, no network", "pull an installed", "pull, field"))
        simulator.set(pull_error="no_host" if offline else "", models=["llama3.2", "slow", "copy", "new", "new2"])
    for line in case.get("first_sent", ()):
        path, _, body = line.partition(" ")
        with Raw(simulator.port) as raw:
            raw.request("POST", path, body.encode())
            assert raw.reply().code == 200
