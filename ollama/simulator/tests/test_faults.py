"""Each way of misbehaving, as a client sees it."""

import contextlib
import json
import time
from typing import Any

import pytest

from simulator.client import Simulator

from .raw import Raw, ask, get

PROMPT: dict[str, Any] = {"model": "llama3.2", "prompt": "hi"}
WHOLE = PROMPT | {"stream": False}


def answered(simulator: Simulator, value: dict[str, Any] = PROMPT) -> bool:
    """Whether the next call is answered as if nothing had been."""
    reply = ask(simulator.port, "/api/generate", value)
    return reply.code == 200 and bool(reply.lines[-1]["done"])


def test_a_fault_happens_once_and_then_all_is_well(simulator: Simulator) -> None:
    simulator.fault("status", status=500)

    assert ask(simulator.port, "/api/generate", PROMPT).code == 500
    assert answered(simulator)
    assert [call["fault"] for call in simulator.calls()] == ["status", None]


def test_a_fault_happens_as_often_as_it_is_told_to(simulator: Simulator) -> None:
    simulator.fault("status", status=503, times=2)

    codes = [ask(simulator.port, "/api/generate", PROMPT).code for _ in range(3)]

    assert codes == [503, 503, 200]


def test_a_fault_without_a_number_happens_until_it_is_cleared(simulator: Simulator) -> None:
    simulator.fault("status", status=503, times=None)
    codes = [ask(simulator.port, "/api/generate", PROMPT).code for _ in range(3)]

    simulator.clear_faults()

    assert codes == [503] * 3
    assert answered(simulator)


def test_a_fault_strikes_only_prompts_that_contain_what_it_names(simulator: Simulator) -> None:
    simulator.fault("status", status=500, match="poison")

    assert answered(simulator)
    chat = {"model": "llama3.2", "messages": [{"role": "user", "content": "some poison"}]}
    assert ask(simulator.port, "/api/chat", chat).code == 500


@pytest.mark.parametrize(
    ("status", "text", "body"),
    [
        (400, None, {"error": "the input length exceeds the context length"}),
        (404, None, {"error": "model 'llama3.2' not found"}),
        (500, None, {"error": "an error was encountered while running the model: unexpected EOF"}),
        (
            500,
            "llama-server process no longer running: unknown ",
            {"error": "llama-server process no longer running: unknown "},
        ),
        (503, None, {"error": "server busy, please try again.  maximum pending requests exceeded"}),
    ],
)
def test_status_answers_an_error_with_its_words(simulator: Simulator, status: int, text: str | None, body: Any) -> None:
    simulator.fault("status", status=status, text=text)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert (reply.code, reply.json) == (status, body)


@pytest.mark.parametrize(("status", "text"), [(403, None), (500, "")])
def test_status_can_be_an_empty_body(simulator: Simulator, status: int, text: str | None) -> None:
    simulator.fault("status", status=status, text=text)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert (reply.code, reply.body) == (status, b"")
    assert [line.split(":")[0] for line in reply.headers] == ["Date", "Content-Length"]


def test_refuse_stops_listening_for_a_time_and_closes_idle_connections(simulator: Simulator) -> None:
    with Raw(simulator.port) as idle:
        idle.request("GET", "/api/version")
        idle.reply()
        began = time.monotonic()
        simulator.fault("refuse", seconds=0.4)
        assert idle.is_closed()

        with pytest.raises(ConnectionRefusedError):
            get(simulator.port, "/api/version")

    while True:
        with contextlib.suppress(ConnectionRefusedError):
            assert get(simulator.port, "/api/version").code == 200
            break
    assert 0.4 <= time.monotonic() - began < 5


@pytest.mark.parametrize("kind", ["hang_before_headers", "hang_before_first_token"])
@pytest.mark.parametrize("value", [PROMPT, WHOLE])
def test_a_hang_before_the_first_byte_lasts_until_the_client_leaves(
    simulator: Simulator, kind: str, value: dict[str, Any]
) -> None:
    simulator.fault(kind)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", value)
        simulator.wait_for_call(1)
        raw.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            raw.sock.recv(1)
        assert simulator.call(1)["ended"] is None

    assert simulator.wait_for_end(1)["end"] == "client_closed"
    assert answered(simulator)


def test_a_hang_before_the_first_token_keeps_the_slot_and_an_unload_heals_it(simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    with Raw(simulator.port) as hung, Raw(simulator.port) as second:
        hung.post("/api/generate", PROMPT)
        simulator.wait_for("started", 1)
        second.post("/api/generate", PROMPT)
        simulator.wait_for("loaded", 2)
        with pytest.raises(TimeoutError):
            simulator.wait_for("started", 2, timeout=0.2)
        second.sock.close()
        simulator.wait_for_end(2)

        ask(simulator.port, "/api/generate", {"model": "llama3.2", "keep_alive": 0})

        assert answered(simulator)
        assert simulator.call(1)["ended"] is None


def test_a_hang_can_end_by_itself(simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token", seconds=0.2)

    reply = ask(simulator.port, "/api/generate", WHOLE)

    assert reply.json["prompt_eval_duration"] >= 200e6


def test_a_hang_between_tokens_comes_after_so_many(simulator: Simulator) -> None:
    simulator.fault("hang_between_tokens", after=2)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        raw.head()
        assert [raw.line()["done"] for _ in range(2)] == [False, False]
        raw.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            raw.line()

    assert simulator.wait_for_end(1)["tokens"] == 2


@pytest.mark.parametrize("after", [0, 2])
def test_reset_ends_the_connection_with_rst(simulator: Simulator, after: int) -> None:
    simulator.set(pace=0.01)  # so that what was sent has been read before the reset throws it away
    simulator.fault("reset", after=after)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        if after:
            raw.head()
            assert [raw.line()["done"] for _ in range(after)] == [False] * after

        with pytest.raises(ConnectionResetError):
            raw.sock.recv(1)

    assert simulator.wait_for_end(1)["end"] == "fault"


@pytest.mark.parametrize("value", [PROMPT, WHOLE])
def test_eof_closes_before_the_headers(simulator: Simulator, value: dict[str, Any]) -> None:
    simulator.fault("eof")
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", value)

        assert raw.is_closed()

    assert simulator.wait_for_end(1)["end"] == "fault"


@pytest.mark.parametrize("after", [0, 3])
def test_cut_ends_the_stream_cleanly_without_done(simulator: Simulator, after: int) -> None:
    simulator.fault("cut", after=after)
    with Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        reply = raw.reply()
        raw.request("GET", "/api/version")
        assert raw.reply().code == 200

    assert reply.is_whole
    assert [line["done"] for line in reply.lines] == [False] * after


def test_truncated_closes_without_the_last_chunk(simulator: Simulator) -> None:
    simulator.fault("truncated", after=3)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert not reply.is_whole
    assert [line["done"] for line in reply.lines] == [False] * 3


def test_truncated_cuts_a_whole_answer_short_of_its_length(simulator: Simulator) -> None:
    simulator.fault("truncated")

    reply = ask(simulator.port, "/api/generate", WHOLE)

    assert reply.framing == "length"
    assert not reply.is_whole


def test_an_error_line_is_the_last_of_the_stream(simulator: Simulator) -> None:
    simulator.fault("error_line", after=2)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert reply.is_whole
    assert reply.code == 200
    assert reply.lines[2:] == [{"error": "an error was encountered while running the model: unexpected EOF"}]


@pytest.mark.parametrize(("value", "framing"), [(PROMPT, "chunked"), (WHOLE, "length")])
def test_an_error_before_the_first_line_is_a_500(simulator: Simulator, value: dict[str, Any], framing: str) -> None:
    simulator.fault("error_line", after=0, text="model runner has unexpectedly stopped")

    reply = ask(simulator.port, "/api/generate", value)

    assert (reply.code, reply.framing) == (500, framing)
    assert reply.json == {"error": "model runner has unexpectedly stopped"}


def test_done_false_is_a_whole_answer_that_says_so(simulator: Simulator) -> None:
    simulator.fault("done_false", after=3)

    reply = ask(simulator.port, "/api/generate", WHOLE)

    assert reply.code == 200
    assert list(reply.json) == ["model", "created_at", "response", "done"]
    assert reply.json["done"] is False
    assert reply.json["response"]


def test_html_is_a_200_that_is_no_json(simulator: Simulator) -> None:
    simulator.fault("html")

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert (reply.code, reply.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_a_huge_line_has_eight_megabytes_and_the_answer_goes_on(simulator: Simulator) -> None:
    simulator.fault("huge_line", after=1)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert len(reply.chunks[1]) > 8 << 20
    assert reply.lines[-1]["done"] is True


def test_bad_utf8_is_in_one_line_and_the_answer_goes_on(simulator: Simulator) -> None:
    simulator.fault("bad_utf8", after=1)

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert b"\xff\xfe" in reply.chunks[1]
    assert json.loads(reply.chunks[-1])["done"] is True


def test_slow_load_loads_anew_and_takes_its_time(simulator: Simulator) -> None:
    assert answered(simulator)
    simulator.fault("slow_load", seconds=0.3)

    reply = ask(simulator.port, "/api/generate", WHOLE)

    assert reply.json["load_duration"] >= 300e6


def test_model_gone_is_a_404_and_the_model_is_no_longer_listed(simulator: Simulator) -> None:
    simulator.fault("model_gone")

    reply = ask(simulator.port, "/api/generate", PROMPT)

    assert (reply.code, reply.json) == (404, {"error": "model 'llama3.2' not found"})
    assert get(simulator.port, "/api/tags").json == {"models": []}


def test_a_broken_store_lists_the_model_refuses_it_and_is_healed_by_a_pull(simulator: Simulator) -> None:
    simulator.set(pull_time=0)
    simulator.fault("broken_store")

    assert ask(simulator.port, "/api/generate", PROMPT).json == {"error": '"llama3.2" does not support generate'}
    assert ask(simulator.port, "/api/show", {"model": "llama3.2"}).json == {"error": "invalid file magic"}
    assert len(get(simulator.port, "/api/tags").json["models"]) == 1
    assert ask(simulator.port, "/api/pull", {"model": "llama3.2"}).lines[-1] == {"status": "success"}
    assert answered(simulator)


@pytest.mark.parametrize("after", [0, 2])
def test_crash_ends_the_process_in_the_middle_of_everything(after: int) -> None:
    with Simulator(pace=0.01) as simulator:
        simulator.fault("crash", after=after)
        with Raw(simulator.port) as raw:
            raw.post("/api/generate", PROMPT)
            if after:
                raw.head()
                assert [raw.line()["done"] for _ in range(after)] == [False] * after
            assert raw.is_closed()

        assert simulator.wait() == 137
        with pytest.raises(ConnectionRefusedError):
            get(simulator.port, "/api/version")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nonsense"},
        {},
        {"kind": "cut", "often": 2},
        {"kind": "refuse"},
        {"kind": "cut", "times": "all"},
        {"kind": "cut", "times": 0},
        {"kind": "status", "status": 999},
    ],
)
def test_what_is_no_fault_is_refused(simulator: Simulator, fault: dict[str, Any]) -> None:
    with Raw(simulator.port) as raw:
        raw.post("/_simulator/faults", fault)

        assert raw.reply().code == 400
    assert simulator.state()["faults"] == []
