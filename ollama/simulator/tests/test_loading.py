"""A model is loaded, stays, and goes as keep_alive says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.client import Simulator

from .raw import Raw, ask, get

LOAD: dict[str, Any] = {"model": "llama3.2"}
PROMPT = LOAD | {"prompt": "hi", "stream": False, "options": {"num_predict": 2}}


def loaded(simulator: Simulator) -> list[Any]:
    models: list[Any] = get(simulator.port, "/api/ps").json["models"]
    return models


def seconds_left(model: dict[str, Any]) -> float:
    moment = datetime.fromisoformat(model["expires_at"][:19] + "+00:00")
    return (moment - datetime.now(UTC)).total_seconds()


def test_an_empty_prompt_loads_and_takes_the_time_of_a_load(simulator: Simulator) -> None:
    simulator.set(load_time=0.2)

    reply = ask(simulator.port, "/api/generate", LOAD).json

    assert reply["done_reason"] == "load"
    assert [model["name"] for model in loaded(simulator)] == ["llama3.2:latest"]
    assert simulator.state()["calls"] == 0
    assert simulator.state()["others"]["load"] == 1


def test_the_first_answer_pays_the_load_and_the_second_does_not(simulator: Simulator) -> None:
    simulator.set(load_time=0.2)

    durations = [ask(simulator.port, "/api/generate", PROMPT).json["load_duration"] for _ in range(2)]

    assert durations[0] >= 200e6
    assert durations[1] < 100e6


def test_a_load_can_be_told_to_fail_with_a_prompt_and_without(simulator: Simulator) -> None:
    simulator.set(load_error="llama-server process has terminated: signal: killed")

    replies = [ask(simulator.port, "/api/generate", body) for body in (LOAD, PROMPT)]

    assert {reply.status for reply in replies} == {"500 Internal Server Error"}
    assert {reply.json["error"] for reply in replies} == {"llama-server process has terminated: signal: killed"}
    assert loaded(simulator) == []
    simulator.set(load_error="")
    assert ask(simulator.port, "/api/generate", PROMPT).status == "200 OK"


def test_a_gateway_in_front_answers_the_paths_it_is_told_and_asks_to_be_left_alone(simulator: Simulator) -> None:
    simulator.set(gateway_status=429, gateway_path="/api/generate", gateway_retry_after=2.0)

    turned_away, let_through = ask(simulator.port, "/api/generate", PROMPT), get(simulator.port, "/api/tags")

    assert (turned_away.status, turned_away.header("retry-after")) == ("429 Too Many Requests", "2")
    assert b"429 Too Many Requests" in turned_away.body
    assert let_through.status == "200 OK"
    assert simulator.state()["calls"] == 0
    assert simulator.state()["others"]["gateway POST /api/generate"] == 1


def test_an_unload_waits_for_the_last_user(simulator: Simulator) -> None:
    simulator.set(pace=0.03)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT | {"options": {"num_predict": 20}})
        simulator.wait_for_tokens(1, 2)

        assert ask(simulator.port, "/api/generate", LOAD | {"keep_alive": 0}).json["done_reason"] == "unload"
        assert len(loaded(simulator)) == 1

        assert raw.reply().json["done"] is True
    assert loaded(simulator) == []


def test_keep_alive_sticks_to_the_loaded_model(simulator: Simulator) -> None:
    ask(simulator.port, "/api/generate", LOAD | {"keep_alive": "1h"})

    ask(simulator.port, "/api/generate", PROMPT)

    assert 3500 < seconds_left(loaded(simulator)[0]) <= 3600


@pytest.mark.parametrize(("setting", "least"), [("-1", 200 * 365 * 86400), ("10m", 590)])
def test_the_default_keep_alive_is_the_servers(simulator: Simulator, setting: str, least: float) -> None:
    simulator.set(keep_alive=setting)

    ask(simulator.port, "/api/generate", PROMPT)

    assert seconds_left(loaded(simulator)[0]) > least


def test_a_model_goes_when_its_time_is_over(simulator: Simulator) -> None:
    ask(simulator.port, "/api/generate", PROMPT | {"keep_alive": 0})

    assert loaded(simulator) == []


def test_another_num_ctx_waits_for_the_running_answer_and_is_overtaken_by_what_fits(simulator: Simulator) -> None:
    simulator.set(pace=0.03)
    with Raw(simulator.port) as running, Raw(simulator.port) as other, Raw(simulator.port) as fitting:
        running.post("/api/generate", PROMPT | {"options": {"num_predict": 20}})
        simulator.wait_for_tokens(1, 2)
        other.post("/api/generate", PROMPT | {"options": {"num_predict": 2, "num_ctx": 2048}})
        simulator.wait_for_call(2)
        fitting.post("/api/generate", PROMPT)

        simulator.wait_for_ended(3)

    ends = {call["id"]: call["ended"] for call in simulator.calls()}
    assert ends[1] < ends[3] < ends[2]
    assert loaded(simulator)[0]["context_length"] == 2048


def test_the_processor_that_is_set_is_told(simulator: Simulator) -> None:
    simulator.set(processor="gpu")

    ask(simulator.port, "/api/generate", LOAD)

    assert loaded(simulator)[0]["size_vram"] == loaded(simulator)[0]["size"] > 0
