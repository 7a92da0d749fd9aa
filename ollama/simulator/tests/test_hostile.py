"""What no Ollama does, as a client sees it: each by its name, once, and then all is well."""

import gzip
import json
import zlib
from typing import Any

import pytest

from simulator.client import Simulator
from simulator.faults import ANYWHERE, AT_THE_END
from simulator.hostile import BOMB
from simulator.repertoire import ODD, STRANGE

from .raw import Raw, ask, get

PROMPT: dict[str, Any] = {"model": "llama3.2", "prompt": "hi", "stream": False}


def start_of(simulator: Simulator, fault: str, size: int, **more: Any) -> bytes:
    """The first bytes that a question is answered with."""
    simulator.fault(fault, path="/api/version", **more)
    with Raw(simulator.port) as raw:
        raw.request("GET", "/api/version")
        return raw.some(size)


@pytest.mark.parametrize("path", ["/api/version", "/api/tags", "/api/show", "/api/generate", "/api/pull"])
def test_a_redirect_is_one_on_any_path_and_once(simulator: Simulator, path: str) -> None:
    simulator.fault("redirect", status=307, text="http://elsewhere", path=path)
    method = "GET" if path in ("/api/version", "/api/tags") else "POST"

    codes = []
    for _ in range(2):
        with Raw(simulator.port) as raw:
            raw.request(method, path, json.dumps(PROMPT).encode() if method == "POST" else b"")
            reply = raw.reply()
            codes.append(reply.code)
            if len(codes) == 1:
                assert reply.header("Location") == "http://elsewhere"

    assert codes == [307, 200]


def test_a_fault_of_one_path_leaves_the_others_and_calls_alone(simulator: Simulator) -> None:
    simulator.fault("status", status=500, path="/api/tags")

    assert get(simulator.port, "/api/version").code == 200
    assert ask(simulator.port, "/api/generate", PROMPT).code == 200
    assert get(simulator.port, "/api/tags").code == 500


def test_a_fault_of_every_path_strikes_whatever_comes(simulator: Simulator) -> None:
    simulator.fault("page", status=502, path="*", times=2)

    replies = [get(simulator.port, "/api/version"), ask(simulator.port, "/api/generate", PROMPT)]

    assert [reply.code for reply in replies] == [502, 502]
    assert b"<h1>502 Bad Gateway</h1>" in replies[0].body


@pytest.mark.parametrize("kind", ["cut", "crash", "slow_load", "deep_record"])
def test_what_needs_a_call_is_refused_for_a_path(simulator: Simulator, kind: str) -> None:
    with pytest.raises(ValueError, match="needs a call"):
        simulator.fault(kind, path="/api/version")


def test_errors_and_strangers_say_what_they_say(simulator: Simulator) -> None:
    simulator.fault("error_object", status=500)
    simulator.fault("long_error", status=500)
    simulator.fault("foreign", status=200)

    replies = [ask(simulator.port, "/api/generate", PROMPT) for _ in range(3)]

    assert replies[0].json["error"]["message"] == "Compute error."
    assert len(replies[1].json["error"]) == 2_000_000
    assert (replies[2].code, replies[2].body[:15]) == (200, b"INTERNAL-SECRET")


def test_the_bomb_is_one(simulator: Simulator) -> None:
    head, _, packed = start_of(simulator, "bomb", 1 << 20).partition(b"\r\n\r\n")

    assert b"Content-Encoding: gzip" in head
    assert len(packed) < 1 << 20
    assert len(zlib.decompressobj(wbits=31).decompress(packed)) >= BOMB
    assert gzip.compress(b"")[:2] == packed[:2]


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("endless_line", b'{"response":"xxxx'),
        ("endless_tokens", b'"response":"word ","done":false}\n{'),
        ("endless_head", b"\r\nX-3: "),
        ("endless_chunk_size", b"\r\n\r\n5;xxxx"),
        ("continues", b"100 Continue\r\n\r\nHTTP/1.1 100"),
        ("endless_values", b"[],[],[],"),
    ],
)
def test_the_endless_do_not_end(simulator: Simulator, kind: str, holds: bytes) -> None:
    said = start_of(simulator, kind, 5_000_000)

    assert holds in said
    assert len(said) == 5_000_000


@pytest.mark.parametrize(("kind", "begins"), [("drip", b"HTTP/1.1 200"), ("no_http", b"SSH-2.0")])
def test_what_drips_or_is_no_http_begins_at_once(simulator: Simulator, kind: str, begins: bytes) -> None:
    assert start_of(simulator, kind, 7, seconds=0.01).startswith(begins[:7])


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("deep_record", b"[" * 300),
        ("deep_tool_call", b'"tool_calls":[{"function"'),
        ("not_a_number", b'"eval_count":NaN'),
        ("huge_number", str(2**70).encode()),
        ("many_fields", b'"odd99999":99999'),
        ("our_fields", b'"id":"theirs"'),
        ("lone_surrogate", b'"\\ud83d"'),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_an_odd_end_is_that_of_a_whole_answer(simulator: Simulator, kind: str, holds: bytes, *, stream: bool) -> None:
    simulator.set(text="one two")
    simulator.fault(kind)

    reply = ask(simulator.port, "/api/generate", PROMPT | {"stream": stream})

    last = reply.body.strip().split(b"\n")[-1]
    assert holds in last
    assert last.endswith(b"}")
    assert b'"done":true' in last


def test_every_kind_has_its_name_in_the_repertoire() -> None:
    old = {"status", "html", "hang_before_headers"}

    named = {told["kind"] for told in [*STRANGE.values(), *ODD.values()]}

    assert named | {"deep_tool_call"} >= (ANYWHERE | AT_THE_END) - old
