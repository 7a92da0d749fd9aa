"""A client that leaves frees what it held at once, and is never answered behind its back."""

import socket
import struct
import time

import pytest

from simulator.client import Simulator

from .raw import Raw, ask

PROMPT = {"model": "llama3.2", "prompt": "hi"}


def leave(raw: Raw, how: str) -> None:
    match how:
        case "FIN":
            raw.sock.close()
        case "RST":
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.sock.close()
        case "half-close":
            raw.sock.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("how", ["FIN", "RST", "half-close"])
def test_leaving_an_answer_frees_the_slot_for_the_next(simulator: Simulator, how: str, streams: bool) -> None:
    simulator.set(pace=0.05)
    with Raw(simulator.port) as first, Raw(simulator.port) as second:
        first.post("/api/generate", PROMPT | {"stream": streams})
        simulator.wait_for_tokens(1, 3)
        second.post("/api/generate", PROMPT)
        simulator.wait_for("loaded", 2)

        left = time.monotonic()
        leave(first, how)

        call = simulator.wait_for_end(1)
        assert call["end"] == "client_closed"
        assert 3 <= call["tokens"] < 60
        assert call["ended"] - left < 0.5
        assert simulator.wait_for("first_byte", 2)["first_byte"] - left < 1


def test_one_who_leaves_the_line_is_never_processed(simulator: Simulator) -> None:
    simulator.set(pace=0.03)
    with Raw(simulator.port) as first, Raw(simulator.port) as second, Raw(simulator.port) as third:
        first.post("/api/generate", PROMPT | {"options": {"num_predict": 20}})
        simulator.wait_for("first_byte", 1)
        for number, raw in ((2, second), (3, third)):
            raw.post("/api/generate", PROMPT | {"options": {"num_predict": 2}})
            simulator.wait_for("loaded", number)

        second.sock.close()

        assert simulator.wait_for_end(2)["end"] == "client_closed"
        assert simulator.wait_for_end(3)["end"] == "finished"
        assert simulator.call(2)["started"] is None


def test_leaving_while_the_prompt_is_read_frees_the_slot(simulator: Simulator) -> None:
    simulator.set(prompt_time=30)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        simulator.wait_for("started", 1)

    assert simulator.wait_for_end(1)["end"] == "client_closed"


def test_leaving_a_load_gives_it_up_and_it_starts_anew_for_the_next(simulator: Simulator) -> None:
    simulator.set(load_time=0.8)
    with Raw(simulator.port) as first, Raw(simulator.port) as second:
        first.post("/api/generate", PROMPT)
        simulator.wait_for_call(1)
        second.post("/api/generate", PROMPT)
        second_came = simulator.wait_for_call(2)["received"]

        first.sock.close()
        left = simulator.wait_for_end(1)["ended"]

        loaded = simulator.wait_for("loaded", 2)["loaded"]
        assert loaded - left >= 0.79
        assert loaded - second_came < 5


def test_leaving_a_load_that_nobody_else_wants_leaves_nothing_loaded(simulator: Simulator) -> None:
    simulator.set(load_time=30)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        simulator.wait_for_call(1)

    simulator.wait_for_end(1)
    assert simulator.state()["loaded"] == []


def test_a_client_that_does_not_read_keeps_its_slot_until_it_leaves(simulator: Simulator) -> None:
    simulator.set(text="word " * 400_000)
    with Raw(simulator.port, receive_buffer=4096) as deaf, Raw(simulator.port) as second:
        deaf.post("/api/generate", PROMPT)
        simulator.wait_for("first_byte", 1)
        second.post("/api/generate", PROMPT | {"options": {"num_predict": 1}})
        simulator.wait_for("loaded", 2)
        with pytest.raises(TimeoutError):
            simulator.wait_for("started", 2, timeout=1)

        deaf.sock.close()

        assert simulator.wait_for_end(1)["end"] == "client_closed"
        assert second.reply().lines[-1]["done_reason"] == "length"


def test_a_connection_is_used_again_after_streams_and_errors(simulator: Simulator) -> None:
    with Raw(simulator.port) as raw:
        for value, code in ((PROMPT, 200), ({"model": "nope", "prompt": "hi"}, 404), (PROMPT, 200)):
            raw.post("/api/generate", value)
            assert raw.reply().code == code

    assert ask(simulator.port, "/api/generate", PROMPT).lines[-1]["done"] is True
