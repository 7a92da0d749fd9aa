"""Slots are given first come, first served; who waits hears nothing."""

import itertools

import pytest

from simulator.client import Simulator

from .raw import Raw, ask

PROMPT = {"model": "llama3.2", "prompt": "hi"}
SHORT = PROMPT | {"options": {"num_predict": 3}}


def test_one_slot_serves_calls_in_the_order_of_their_arrival(simulator: Simulator) -> None:
    simulator.set(pace=0.002)
    opened = []
    for number in range(1, 7):
        raw = Raw(simulator.port)
        raw.post("/api/generate", SHORT)
        simulator.wait_for_call(number)
        opened.append(raw)

    for raw in opened:
        assert raw.reply().lines[-1]["done"] is True

    calls = simulator.wait_for_ended(6)
    assert sorted(calls, key=lambda call: call["started"]) == calls
    for before, after in itertools.pairwise(calls):
        assert after["started"] >= before["first_byte"]
    for raw in opened:
        raw.sock.close()


def test_no_byte_comes_while_a_call_waits_for_its_slot(simulator: Simulator) -> None:
    simulator.set(pace=0.05)
    with Raw(simulator.port) as first, Raw(simulator.port) as second:
        first.post("/api/generate", PROMPT)
        simulator.wait_for("first_byte", 1)
        second.post("/api/generate", PROMPT)
        simulator.wait_for("loaded", 2)

        second.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.sock.recv(1)


def test_two_slots_answer_two_at_the_same_time(simulator: Simulator) -> None:
    simulator.set(slots=2, pace=0.02)
    with Raw(simulator.port) as first, Raw(simulator.port) as second, Raw(simulator.port) as third:
        for number, raw in enumerate((first, second, third), 1):
            raw.post("/api/generate", PROMPT)
            simulator.wait_for_call(number)
        simulator.wait_for("first_byte", 1)
        simulator.wait_for("first_byte", 2)

        assert simulator.call(3)["started"] is None


def test_raising_the_slots_lets_the_next_one_in_at_once(simulator: Simulator) -> None:
    simulator.set(pace=0.05)
    with Raw(simulator.port) as first, Raw(simulator.port) as second:
        first.post("/api/generate", PROMPT)
        simulator.wait_for("first_byte", 1)
        second.post("/api/generate", PROMPT)
        simulator.wait_for("loaded", 2)

        simulator.set(slots=2)

        assert simulator.wait_for("first_byte", 2)["ended"] is None


def test_the_wait_for_a_slot_is_in_total_duration_alone(simulator: Simulator) -> None:
    simulator.set(pace=0.02, prompt_time=0.01)
    ask(simulator.port, "/api/generate", {"model": "llama3.2"})
    with Raw(simulator.port) as first, Raw(simulator.port) as second:
        first.post("/api/generate", PROMPT | {"options": {"num_predict": 30}})
        simulator.wait_for("first_byte", 1)
        second.post("/api/generate", SHORT | {"stream": False})

        told = second.reply().json

    parts = told["load_duration"] + told["prompt_eval_duration"] + told["eval_duration"]
    assert told["total_duration"] - parts > 100e6
    assert told["prompt_eval_duration"] >= 10e6
    assert told["eval_duration"] % 1000 == 0


def test_a_full_line_for_a_load_is_refused_and_a_loaded_model_never_refuses(simulator: Simulator) -> None:
    simulator.set(max_queue=2, load_time=0.6)
    opened = []
    for number in range(1, 6):
        raw = Raw(simulator.port)
        raw.post("/api/generate", SHORT | {"stream": False})
        simulator.wait_for_call(number)
        opened.append(raw)

    codes = [raw.reply() for raw in opened]

    assert [reply.code for reply in codes] == [200, 200, 200, 503, 503]
    assert codes[-1].json == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    for raw in opened:
        raw.post("/api/generate", SHORT)
    assert [raw.reply().code for raw in opened] == [200] * 5
    for raw in opened:
        raw.sock.close()
