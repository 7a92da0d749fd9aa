"""What Ollama says is heard as it comes, however it is framed, and only an answer is taken for one."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress

import pytest
from support.waiting import until
from worker.answering.call import Call
from worker.ollama.call_end import EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
RECORDS = [{"response": "Hé"}, {"response": "llo"}, {"response": "", "done": True, "done_reason": "stop"}]
BODY = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in RECORDS)


def chunked(pieces):
    return [HEADERS + b"Transfer-Encoding: chunked\r\n\r\n", *(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces)]


def measured(pieces):
    return [HEADERS + b"Content-Length: %d\r\n\r\n" % sum(map(len, pieces)), *pieces]


def until_closed(pieces):
    return [HEADERS.replace(b"1.1", b"1.0") + b"\r\n", *pieces]


@pytest.fixture
def server():
    """A server that has said nothing yet."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def ollama(server):
    return Ollama(f"http://127.0.0.1:{server.getsockname()[1]}", connect_timeout=5.0)


def stream(server):
    """Begin a call; what it has yielded so far, and the server's end of the connection."""
    heard = []

    def hear():
        with suppress(OllamaFailed):  # the server's end is left open, or broken off, when a test has seen enough
            heard.extend(ollama(server).stream("/api/generate", {}, Plug()))

    threading.Thread(target=hear, daemon=True).start()
    return heard, asked(server)


def asked(server):
    """Accept a call and read it: a connection that is closed with something unread is reset."""
    peer, _ = server.accept()
    request = b""
    while not request.endswith(b"{}"):
        request += peer.recv(65536)
    return peer


@pytest.mark.parametrize("framed", [chunked, measured, until_closed])
def test_each_record_is_heard_before_the_next_is_said(server, framed):
    heard, peer = stream(server)
    head, *pieces = framed(BODY.splitlines(keepends=True))

    peer.sendall(head)
    for number, piece in enumerate(pieces):
        assert heard == RECORDS[:number]
        peer.sendall(piece)
        until(lambda heard=heard, number=number: len(heard) == number + 1)

    assert heard == RECORDS


@pytest.mark.parametrize("framed", [chunked, measured, until_closed])
def test_a_record_is_whole_wherever_it_was_cut(server, framed):
    heard, peer = stream(server)
    body = b"\r\n  \n" + BODY.rstrip(b"\n")

    with peer:
        for piece in framed([body[at : at + 1] for at in range(len(body))]):
            peer.sendall(piece)
        peer.sendall(b"0\r\n\r\n" if framed is chunked else b"")

    until(lambda: heard == RECORDS)


@pytest.mark.parametrize(
    "record",
    [
        {"response": 5},
        {"message": "Hello"},
        {"message": {"content": ["Hello"]}},
        {"response": "", "thinking": {}},
        {"message": {"content": "", "tool_calls": "now"}},
    ],
    ids=str,
)
def test_a_record_with_something_else_in_place_of_its_text_is_no_answer(server, record):
    call, told = Call(None, time_limit=60), []
    accepted = threading.Thread(target=_say, args=(server, [record, *RECORDS]), daemon=True)
    accepted.start()

    end = call.run(ollama(server), "/api/generate", {}, lambda *piece: told.append(piece))

    assert (end.kind, told, call.answer.text) == (EndKind.GIBBERISH, [], "")


def _say(server, records):
    with asked(server) as peer:
        peer.sendall(b"".join(until_closed([json.dumps(record).encode() + b"\n" for record in records])))


@pytest.mark.parametrize("done", ["true", 1, None, {}])
def test_only_true_is_done(server, done):
    threading.Thread(target=_say, args=(server, [{"response": "Hi", "done": done}]), daemon=True).start()

    end = Call(None, time_limit=60).run(ollama(server), "/api/generate", {}, lambda *_: None)

    assert end.kind is EndKind.UNFINISHED


def test_a_connection_that_is_not_made_in_time_is_reported_in_words(deaf):
    with pytest.raises(OllamaFailed) as failed:
        Ollama(deaf, connect_timeout=0.2).version()

    assert "timed out" in failed.value.end.words
    assert "object" not in failed.value.end.words


def test_a_download_that_falls_silent_is_given_up_as_soon_as_its_patience_ends(server):
    plug = Plug()
    download = ollama(server).pull("llama3.2", plug, patience=5)
    connections = []

    def serve():
        connections.append(server.accept()[0])
        connections[0].sendall(b"".join(chunked([b"{}\n"])))

    threading.Thread(target=serve, daemon=True).start()
    assert next(download) == {}

    plug.patience = 0.1

    with pytest.raises(OllamaFailed) as failed:
        next(download)
    assert failed.value.end.kind is EndKind.UNANSWERED
