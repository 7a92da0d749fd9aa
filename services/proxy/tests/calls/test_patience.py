"""Patience: what a client gets that waits, and when."""

import math

import pytest
from proxy.calls.holding.patience import Patience
from proxy.config import Config
from werkzeug.datastructures import Headers


@pytest.mark.parametrize(
    ("headers", "stream", "whole"),
    [
        ({}, (15.0, 15.0), (200.0, 30.0)),
        ({"x-stainless-read-timeout": "600"}, (15.0, 15.0), (200.0, 30.0)),
        ({"x-stainless-read-timeout": "600.0", "X-Stainless-Timeout": "60"}, (15.0, 15.0), (48.0, 30.0)),
        ({"x-stainless-read-timeout": "10"}, (8.0, 8.0), (8.0, 8.0)),
        ({"x-stainless-read-timeout": "1"}, (0.8, 0.8), (0.8, 0.8)),
        ({"x-stainless-read-timeout": "0.001"}, (0.8, 0.8), (0.8, 0.8)),
        ({"X-Stainless-Timeout": "0"}, (15.0, 15.0), (200.0, 30.0)),
        ({"X-Stainless-Timeout": "-5"}, (15.0, 15.0), (200.0, 30.0)),
        ({"X-Stainless-Timeout": "nan"}, (15.0, 15.0), (200.0, 30.0)),
        ({"X-Stainless-Timeout": "inf"}, (15.0, 15.0), (200.0, 30.0)),
        ({"X-Stainless-Timeout": "NOT_GIVEN"}, (15.0, 15.0), (200.0, 30.0)),
    ],
)
def test_it_is_the_settings_or_four_fifths_of_what_the_client_tells(headers, stream, whole):
    config, told = Config(), Headers(headers)

    for patience, (first, between) in (
        (Patience.of_stream(config, told), stream),
        (Patience.of_whole(config, told), whole),
    ):
        assert math.isclose(patience.first, first)
        assert math.isclose(patience.between, between)


def test_while_it_lasts_nothing_is_sent_and_then_a_stream_begins_with_its_beats(served, at_work, call, in_line):
    one = call(served, stream=True)
    assert one.head() == 200
    assert (one.headers["x-queue-position"], one.headers["content-type"]) == ("1", "text/plain")
    assert [one.chunk() for _ in range(3)] == ["open\n", "beat\n", "beat\n"]

    claim = at_work.claim()
    assert one.chunk() == "at None\n"
    at_work.finish(claim)

    assert "answer Rayleigh.\n" in (chunks := one.chunks())
    assert (chunks[-1], one.is_whole) == ("end\n", True)


def test_a_place_is_told_when_it_is_another(served, at_work, call, in_line, queue_at):
    call(served)
    [prompt] = in_line(queue_at(served.database_url))
    one = call(served, f"/tiny/{prompt.id}/0/0", method="GET")
    assert (one.head(), one.headers["x-queue-position"], one.chunk(), one.chunk()) == (200, "1", "open\n", "beat\n")

    at_work.answer()

    told = [chunk for chunk in one.chunks() if chunk != "beat\n"]
    assert "at 1\n" not in told
    assert told[-1] == "end\n"


def test_a_document_has_blanks_before_it(served, at_work, call, in_line):
    one = call(served)
    assert one.head() == 200
    assert (one.headers["transfer-encoding"], one.headers["content-type"]) == (
        "chunked",
        "application/json; charset=utf-8",
    )
    assert [one.chunk() for _ in range(2)] == [" ", " "]

    at_work.answer()

    assert "".join(one.chunks()).strip() == '{"text":"Rayleigh."}'
    assert one.is_whole


def test_a_client_that_tells_of_less_patience_gets_its_signs_of_life_in_time(serve_tiny, hire_at, call):
    server = serve_tiny("gevent")
    told = {"x-stainless-read-timeout": "0.5"}
    whole, stream = call(server, headers=told), call(server, headers=told, stream=True)

    assert [one.head() for one in (whole, stream)] == [200, 200]
    assert [whole.chunk(), whole.chunk(), stream.chunk(), stream.chunk()] == [" ", " ", "open\n", "beat\n"]
    worker = hire_at(server.database_url)
    worker.answer()
    worker.answer()
    assert "".join(whole.chunks()).strip() == '{"text":"Rayleigh."}'
    assert stream.chunks()[-1] == "end\n"


def test_each_piece_is_a_chunk_of_its_own(served, at_work, call, in_line, queue_at):
    one = call(served, stream=True)
    in_line(queue_at(served.database_url))
    claim = at_work.claim()

    chunks = []
    for offset, piece in enumerate("abc"):
        at_work.queue.stream_text(claim, piece, offset=offset)
        if not offset:
            assert one.head() == 200
        while not chunks or not chunks[-1].endswith(f"{piece}\n"):
            chunks.append(one.chunk())
    at_work.finish(claim, {"response": "abc", "done": True})

    assert [chunk for chunk in chunks if chunk[0] == "1"] == ["1.0 a\n", "1.1 b\n", "1.2 c\n"]
    assert [chunk for chunk in one.chunks() if chunk != "beat\n"] == ["answer abc\n", "end\n"]
