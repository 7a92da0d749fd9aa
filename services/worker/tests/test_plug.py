"""A call ends the moment its plug is pulled, in whichever phase it is."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from support.waiting import until
from worker.ollama.call_end import EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
RECORD = b'{"response":"Hello","done":false}\n'
CHUNK = b"%x\r\n%s\r\n" % (len(RECORD), RECORD)


@pytest.fixture
def server():
    """A server that accepts, sends what it was told to, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def call(server, plug, said=b""):
    """Begin a call; the thread, what it yielded and how it ended, and the server's end of the connection."""
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    yielded, ended = [], []

    def run():
        try:
            yielded.extend(Ollama(url, connect_timeout=5).stream("/api/generate", {}, plug))
        except OllamaFailed as failed:
            ended.append(failed.end)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    peer, _ = server.accept()
    peer.settimeout(5)
    peer.sendall(said)
    return thread, yielded, ended, peer


@pytest.mark.parametrize(
    "said",
    [b"", HEADERS, HEADERS + CHUNK, HEADERS + CHUNK[:20]],
    ids=["no byte", "headers", "a record", "half a record"],
)
def test_a_call_ends_at_once_and_the_server_sees_it(server, said):
    plug = Plug()
    thread, _, ended, peer = call(server, plug, said)
    until(lambda: plug.connected_at, within=2)

    start = time.monotonic()
    plug.pull()

    while peer.recv(65536):
        pass  # the request; then the end
    thread.join(1)
    assert time.monotonic() - start < 1  # as "at once" is meant where two cores are shared
    assert [end.kind for end in ended] == [EndKind.BROKEN]


def test_a_plug_pulled_before_the_call_connects_ends_it_as_soon_as_it_has(server):
    plug = Plug()
    plug.pull()

    thread, yielded, ended, _ = call(server, plug)

    thread.join(1)
    assert yielded == []
    assert [end.kind for end in ended] == [EndKind.BROKEN]


def test_a_plug_pulled_after_the_end_does_nothing(server):
    plug = Plug()
    thread, yielded, ended, _ = call(server, plug, HEADERS + CHUNK + b"0\r\n\r\n")
    thread.join(1)

    plug.pull()

    assert yielded == [{"response": "Hello", "done": False}]
    assert ended == []


@pytest.mark.parametrize("said", [b"", HEADERS, HEADERS + CHUNK], ids=["no byte", "headers", "a record"])
def test_a_server_that_dies_breaks_the_call(server, said):
    thread, _, ended, peer = call(server, Plug(), said)

    peer.close()

    thread.join(1)
    assert [end.kind for end in ended] == [EndKind.BROKEN]


def test_a_refused_connection_differs_from_a_broken_one():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(OllamaFailed) as failed:
        next(Ollama(url, connect_timeout=5).stream("/api/generate", {}, Plug()))

    assert failed.value.end.kind is EndKind.NOT_CONNECTED
    assert failed.value.end.words.startswith("Connection refused; ")


def test_a_name_that_is_unknown_is_no_connection():
    with pytest.raises(OllamaFailed) as failed:
        next(Ollama("http://nowhere.invalid:11434", connect_timeout=5).stream("/api/generate", {}, Plug()))

    assert failed.value.end.kind is EndKind.NOT_CONNECTED


def test_line_separators_that_only_unicode_knows_do_not_split_a_record(server):
    record = '{"response":"a\u0085b\u2028c","done":false}\n'.encode()
    thread, yielded, _, _ = call(server, Plug(), HEADERS + b"%x\r\n%s\r\n0\r\n\r\n" % (len(record), record))

    thread.join(1)

    assert yielded == [{"response": "a\u0085b\u2028c", "done": False}]
