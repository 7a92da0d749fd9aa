"""The control endpoint: what was seen, what is set, and waiting without sleeping."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Simulator

from .raw import Raw, ask, get

PROMPT = {"model": "llama3.2", "prompt": "hi", "options": {"num_predict": 2}}


def test_a_call_is_recorded_with_what_it_asked_and_how_it_ended(simulator: Simulator) -> None:
    before = time.monotonic()

    ask(simulator.port, "/api/generate", PROMPT)

    call = simulator.wait_for_end(1)
    assert (call["id"], call["path"], call["body"], call["status"]) == (1, "/api/generate", PROMPT, 200)
    assert (call["end"], call["tokens"], call["fault"]) == ("finished", 2, None)
    assert call["headers"]["content-type"] == "application/json"
    moments = [call[name] for name in ("received", "loaded", "started", "first_byte", "ended")]
    assert moments == sorted(moments)
    assert before <= moments[0]
    assert moments[-1] <= time.monotonic()
    assert abs(call["time"] - time.time()) < 60


def test_a_refused_call_is_recorded_as_refused(simulator: Simulator) -> None:
    ask(simulator.port, "/api/generate", {"model": "nope", "prompt": "hi"})

    call = simulator.wait_for_end(1)

    assert (call["end"], call["status"]) == ("refused", 404)


def test_the_journal_tells_of_every_call_though_the_process_is_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Simulator(journal=journal, pace=0.05) as simulator:
        answer = ask(simulator.port, "/api/generate", PROMPT | {"stream": False})
        simulator.wait_for_end(1)  # its client may know of it earlier
        simulator.fault("hang_before_first_token")
        with Raw(simulator.port) as raw:
            raw.request("POST", "/api/generate", json.dumps(PROMPT).encode())
            simulator.wait_for("started", 2)

            simulator.kill()

    turns = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [(turn["id"], turn["end"]) for turn in turns] == [(1, None), (1, None), (1, "finished"), (2, None)]
    assert {turn["body"]["prompt"] for turn in turns} == {"hi"}
    assert turns[1]["created_at"] == turns[2]["created_at"] == answer.json["created_at"]


def test_other_requests_are_counted_and_are_no_calls(simulator: Simulator) -> None:
    get(simulator.port, "/api/tags")
    get(simulator.port, "/api/tags")
    ask(simulator.port, "/api/generate", {"model": "llama3.2", "keep_alive": 0})

    state = simulator.state()

    assert state["others"] == {"GET /api/tags": 2, "unload": 1}
    assert (state["calls"], simulator.calls()) == (0, [])


def test_open_connections_are_told() -> None:
    with Simulator() as simulator, Raw(simulator.port) as raw:
        raw.request("GET", "/api/version")
        raw.reply()

        assert simulator.state()["connections"]["open"] == 2  # the other one asks


def test_a_wait_that_is_too_long_says_so(simulator: Simulator) -> None:
    with pytest.raises(TimeoutError):
        simulator.wait_for_call(1, timeout=0.05)


def test_a_wait_ends_when_its_event_comes(simulator: Simulator) -> None:
    with Raw(simulator.port) as waiting:
        waiting.request("GET", "/_simulator/calls?wait=ended&count=1&timeout=10")
        ask(simulator.port, "/api/generate", PROMPT)

        reply = waiting.reply()

    assert [call["end"] for call in reply.json] == ["finished"]


def test_settings_change_while_it_runs_and_a_reset_takes_them_back(simulator: Simulator) -> None:
    simulator.set(pace=0.5, version="9.9.9", models=[])
    assert get(simulator.port, "/api/version").json == {"version": "9.9.9"}
    assert simulator.state()["models"] == []

    simulator.reset()

    assert get(simulator.port, "/api/version").json == {"version": "0.33.0"}
    assert simulator.state()["models"] == ["llama3.2:latest"]


@pytest.mark.parametrize(
    "change", [{"nonsense": 1}, {"pace": "fast"}, {"pace": -1}, {"models": "llama3.2"}, {"slots": 1.5}]
)
def test_a_setting_that_makes_no_sense_changes_nothing(simulator: Simulator, change: dict[str, Any]) -> None:
    before = simulator.state()["settings"]

    with pytest.raises(ValueError, match=next(iter(change))):
        simulator.set(version="x", **change)

    assert simulator.state()["settings"] == before


def test_a_reset_cuts_off_what_is_under_way_and_counts_from_one_again(simulator: Simulator) -> None:
    simulator.fault("hang_between_tokens", after=1)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        simulator.wait_for_tokens(1, 1)

        simulator.reset()

        assert raw.reply().is_whole is False
    ask(simulator.port, "/api/generate", PROMPT)
    assert [call["id"] for call in simulator.calls()] == [1]
    assert simulator.state()["faults"] == []


@pytest.mark.parametrize("path", ["/_simulator/nope", "/_simulator/calls/7"])
def test_what_is_not_there_is_a_404(simulator: Simulator, path: str) -> None:
    assert get(simulator.port, path).code == 404
