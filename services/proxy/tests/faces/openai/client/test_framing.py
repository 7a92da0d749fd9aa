"""How a stream lies on the wire: one event is one chunk of HTTP, and the last ones come together."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from openai_deeds import HI, MODEL, says


def chunks_of(port, path, body):
    """Ask for a stream; its chunks as they lie on the wire, the empty last one left out."""
    data = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.chunked
        chunks = []
        while size := int(answer.fp.readline(), 16):
            chunks.append(answer.fp.read(size))
            assert answer.fp.readline() == b"\r\n"
        return chunks


@pytest.mark.parametrize(
    ("path", "asked"), [("/v1/chat/completions", {"messages": HI}), ("/v1/completions", {"prompt": "hi"})]
)
@pytest.mark.parametrize("counted", [False, True])
def test_a_stream_has_one_event_a_chunk_and_its_end_in_one(server, model, path, asked, counted):
    model(says("one", " two"))

    *texts, last = chunks_of(
        server.port,
        path,
        {"model": MODEL, "stream": True, "stream_options": {"include_usage": counted}, **asked},
    )

    assert all(chunk.startswith(b"data: ") and chunk.count(b"\n\n") == 1 for chunk in texts)
    assert last.count(b"\n\n") == (3 if counted else 2)
    assert b'"finish_reason":"stop"' in last
    assert last.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/v1/responses", {"input": "hi"}), ("/v1/messages", {"max_tokens": 9, "messages": HI})],
)
def test_each_event_that_has_a_name_is_a_chunk_of_its_own(server, model, path, asked):
    model(says("one", " two"))

    chunks = chunks_of(server.port, path, {"model": MODEL, "stream": True, **asked})

    assert all(chunk.startswith(b"event: ") and chunk.count(b"\n\n") == 1 for chunk in chunks)
    assert any(b"one" in chunk for chunk in chunks)
