"""How the bytes of an answer travel: one record a chunk, each on one line, whatever it says and however long it is.

nginx puts chunks together that come at once, so behind it only the lines are counted.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from simulator.tests.raw import Raw

ODD = '\u0085 a\u2028b\u2029 \x0b\x0c\x1c\x1d\x1e 😀 e\u0301 \ufeff \u202e <&> "\\ \t\r\n\n {} \x7f'
PIECES = [f"{number:05}" + "é" * 20_000 + "\n" for number in range(25)]  # a megabyte in UTF-8
BODIES = {
    "/api/generate": {"model": "llama3.2", "prompt": "hi"},
    "/api/chat": {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]},
}


def text_of(record):
    return record["message"]["content"] if "message" in record else record["response"]


def post(door, path, **more):
    with Raw(door.port) as raw:
        raw.post(path, BODIES[path] | more)
        reply = raw.reply()
    assert (reply.code, reply.is_whole) == (200, True)
    return reply


@pytest.mark.parametrize("path", BODIES)
def test_a_stream_is_a_record_a_chunk_and_nothing_of_the_text_is_lost(door, stack, simulator, path):
    simulator.set(text=ODD)

    reply = post(door, path)

    assert (reply.framing, reply.header("Content-Type")) == ("chunked", "application/x-ndjson")
    assert len(reply.body.decode("ascii").splitlines()) == len(reply.lines)
    if door is stack:
        assert all(chunk.count(b"\n") == 1 and chunk.endswith(b"\n") for chunk in reply.chunks)
    assert "".join(map(text_of, reply.lines)) == ODD
    assert [each["done"] for each in reply.lines] == [False] * (len(reply.lines) - 1) + [True]


@pytest.mark.parametrize("path", BODIES)
def test_a_whole_answer_has_its_length_and_all_of_the_text(door, simulator, path):
    simulator.set(text=ODD)

    reply = post(door, path, stream=False)

    assert (reply.framing, reply.header("Content-Type")) == ("length", "application/json; charset=utf-8")
    assert text_of(reply.json) == ODD


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_of_a_megabyte_is_whole(server, hire_at, until, stream):
    worker, text = hire_at(server.database_url), "".join(PIECES)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(post, server, "/api/generate", stream=stream)
        claim = until(lambda: worker.queue.claim(worker.terms))
        worker.speak(claim, *PIECES, write=True)
        worker.finish(claim, {"response": text, "done": True, "done_reason": "stop"})
        reply = asked.result()

    if stream:
        assert all(chunk.count(b"\n") == 1 and chunk.endswith(b"\n") for chunk in reply.chunks)
    assert "".join(map(text_of, reply.lines if stream else [reply.json])) == text


def test_one_connection_serves_one_request_after_the_other(door, simulator):
    with Raw(door.port) as raw:
        for stream in (True, False, True):
            raw.post("/api/generate", BODIES["/api/generate"] | {"stream": stream})
            assert raw.reply().is_whole
        raw.request("GET", "/api/version")
        assert raw.reply().json == {"version": "0.33.0"}


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_of_http_1_0_gets_no_chunks(stack, simulator, stream):
    body = json.dumps(BODIES["/api/generate"] | {"stream": stream}).encode()

    with Raw(stack.port) as raw:
        raw.send(b"POST /api/generate HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        reply = raw.reply()

    assert reply.header("Transfer-Encoding") is None
    assert "".join(map(text_of, reply.lines)) == "one two three four five six"
