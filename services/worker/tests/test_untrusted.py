"""Whatever answers in Ollama's place reaches no further than its own call, and each question has an end."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import threading
import time
from email.utils import formatdate

import pytest
from support.waiting import until
from worker.ollama import reply
from worker.ollama.call_end import EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug

SECRET = "INTERNAL-SECRET: db password is hunter2"
QUESTIONS = {
    "version": lambda ollama: ollama.version(),
    "lists": lambda ollama: ollama.lists("llama3.2"),
    "show": lambda ollama: ollama.show("llama3.2"),
    "loaded": lambda ollama: ollama.loaded("llama3.2"),
    "load": lambda ollama: ollama.load("llama3.2"),
    "unload": lambda ollama: ollama.unload("llama3.2"),
    "pull": lambda ollama: list(ollama.pull("llama3.2", Plug(), patience=ollama._probe_timeout)),
    "stream": lambda ollama: list(ollama.stream("/api/generate", {"prompt": "private"}, Plug())),
}
BOUNDED = {name: ask for name, ask in QUESTIONS.items() if name != "stream"}  # that one has a watcher instead


class Stranger:
    """A server that answers everybody with the same bytes, and then, unless it ends, with more of them."""

    def __init__(self, *said: bytes, then=(), every: float = 0.0):
        self._said, self._then, self._every = said, then, every
        self.heard: list[bytes] = []
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._open.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with contextlib.suppress(OSError):
            self.heard.append(connection.recv(65536))
            for block in itertools.chain(self._said, self._then):
                connection.sendall(block)
                if self._every:
                    time.sleep(self._every)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*(line.replace("_", "-") for line in lines), "", ""]).encode() + body


def failed(stranger, ask, *, within=30.0):
    ollama = Ollama(stranger.url, connect_timeout=5, probe_timeout=within)
    with pytest.raises(OllamaFailed) as caught:
        ask(ollama)
    return caught.value.end


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_no_redirect_is_followed_and_the_words_say_where_it_leads(ask, status):
    with Stranger(answer(200, b"{}")) as elsewhere:
        location = f"{elsewhere.url}/base/api/version?token=x"
        with Stranger(answer(status, Location=location)) as stranger:
            end = failed(stranger, ask)

        assert elsewhere.heard == []
    assert (end.kind, end.status) == (EndKind.REDIRECTED, status)
    assert end.cause.startswith(f"it redirects to {elsewhere.url}/base")
    assert end.cause.endswith("; put that address into OLLAMA_URLS")
    assert "token" not in end.cause


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://ollama.example/api/version", "https://ollama.example"),
        ("https://user:pw@ollama.example:8443/o/api/version", "https://ollama.example:8443/o"),
        ("https://[2001:db8::1]/api/version", "https://[2001:db8::1]"),
        ("//ollama.example/api/version", "http://ollama.example"),
        ("https://ollama.example/" + "x" * 5000, "https://ollama.example/" + "x" * 177),
    ],
)
def test_a_redirect_is_shown_as_the_address_that_it_means(location, told):
    with Stranger(answer(301, Location=location)) as stranger:
        end = failed(stranger, BOUNDED["version"])

    assert end.cause == f"it redirects to {told}; put that address into OLLAMA_URLS"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x/", "http://[", "http://:5", "javascript:x"])
def test_a_redirect_to_something_else_than_an_address_is_not_shown(location):
    with Stranger(answer(301, Location=location)) as stranger:
        end = failed(stranger, BOUNDED["version"])

    assert (end.kind, end.cause) == (EndKind.REDIRECTED, "it redirects to something that is not an address")


def test_a_redirect_without_an_address_is_reported_by_its_status():
    with Stranger(answer(304)) as stranger:
        assert failed(stranger, BOUNDED["version"]).cause == "the model server answered 304: Not Modified"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (json.dumps({"error": "model requires more system memory"}), "model requires more system memory"),
        (json.dumps({"error": {"message": "Compute error."}}), "Compute error."),
        (json.dumps({"detail": "Not Found"}), "Not Found"),
        (json.dumps({"error": "x" * 2_000_000}), "x" * 299 + "…"),
        (json.dumps({"message": SECRET}), "the model server answered 502: Bad Gateway"),
        (json.dumps([SECRET]), "the model server answered 502: Bad Gateway"),
        (f"<html><h1>{SECRET}</h1>", "the model server answered 502: Bad Gateway"),
        (SECRET, "the model server answered 502: Bad Gateway"),
        ("", "the model server answered 502: Bad Gateway"),
        ('{"error": "' + "x" * 5_000_000 + '"}', "the model server answered 502: Bad Gateway"),
    ],
    ids=lambda text: text[:40],
)
@pytest.mark.parametrize("ask", [QUESTIONS["version"], QUESTIONS["stream"]], ids=["version", "stream"])
def test_only_an_error_in_json_is_shown_and_all_else_by_its_status(ask, body, told):
    with Stranger(answer(502, body.encode())) as stranger:
        end = failed(stranger, ask)

    assert (end.kind, end.status, end.cause) == (EndKind.REJECTED, 502, told)
    assert SECRET not in repr(end)


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH INTERNAL-SECRET\r\n", b"-ERR INTERNAL-SECRET\r\n", b"\x15\x03\x01"])
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_what_does_not_speak_http_is_named_so_and_not_quoted(ask, said):
    with Stranger(said) as stranger:
        end = failed(stranger, ask)

    assert (end.kind, end.cause) == (EndKind.GIBBERISH, "the model server does not speak HTTP")


@pytest.mark.parametrize("body", [SECRET.encode(), b"[1]", b"<html>", b"x" * 5_000_000, b'{"a":' + b"[]," * 1_000_000])
def test_an_answer_that_is_none_of_ollamas_is_gibberish_of_which_nothing_is_kept(body):
    with Stranger(answer(200, body)) as stranger:
        end = failed(stranger, BOUNDED["version"])

    assert (end.kind, end.words) == (EndKind.GIBBERISH, "")


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("ask", [QUESTIONS["version"], QUESTIONS["stream"]], ids=["version", "stream"])
def test_identity_is_asked_for_and_a_body_that_is_encoded_all_the_same_is_not_decoded(ask, status):
    packed = gzip.compress(b'{"error": "packed", "done": true, "version": "x"}')
    with Stranger(answer(status, packed, Content_Encoding="gzip")) as stranger:
        end = failed(stranger, ask)

    assert b"accept-encoding: identity" in stranger.heard[0].lower()
    assert end.kind is (EndKind.GIBBERISH if status == 200 else EndKind.REJECTED)
    assert "packed" not in repr(end)


ENDLESS = {
    "nothing": Stranger,
    "a head that drips": lambda: Stranger(b"HTTP/1.1 200 OK\r\nX: ", then=itertools.repeat(b"x"), every=0.05),
    "a head without an end": lambda: Stranger(b"HTTP/1.1 200 OK\r\n", then=itertools.repeat(b"X: " + b"x" * 60_000)),
    "interim answers": lambda: Stranger(then=itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "a body that drips": lambda: Stranger(b"HTTP/1.1 200 OK\r\n\r\n{", then=itertools.repeat(b" "), every=0.05),
    "an error that drips": lambda: Stranger(b"HTTP/1.1 500 X\r\n\r\n{", then=itertools.repeat(b" "), every=0.05),
    "a chunk that drips": lambda: Stranger(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{", then=itertools.repeat(b" "), every=0.05
    ),
    "a chunk's size without an end": lambda: Stranger(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", then=itertools.repeat(b"x" * 60_000)
    ),
    "trailers": lambda: Stranger(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n0\r\n", then=itertools.repeat(b"X: x\r\n" * 9)
    ),
    "empty lines": lambda: Stranger(b"HTTP/1.1 200 OK\r\n\r\n", then=itertools.repeat(b"\n" * 60_000)),
}


@pytest.mark.parametrize("said", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("name", ["version", "lists", "loaded", "pull"])
def test_a_question_ends_within_its_time_and_its_connection_with_it(name, said):
    start = time.monotonic()
    with said() as stranger:
        failed(stranger, BOUNDED[name], within=0.4)
        took = time.monotonic() - start

        assert took < 10  # of less than half a second, on a machine that has others to serve
        until(lambda: not errands(), within=10, what="the end of the errand")


@pytest.mark.parametrize("said", ["an error that drips"])
def test_an_error_that_does_not_come_is_reported_by_its_status(said, monkeypatch):
    monkeypatch.setattr(reply, "ERROR_TIMEOUT", 0.2)
    with ENDLESS[said]() as stranger:
        end = failed(stranger, QUESTIONS["stream"])

    assert (end.kind, end.cause) == (EndKind.REJECTED, "the model server answered 500: Internal Server Error")


def test_a_name_whose_lookup_hangs_keeps_nobody_waiting_and_is_looked_up_once_at_a_time(monkeypatch):
    go_on, lookups = threading.Event(), []

    def hang(*arguments, **_):
        lookups.append(arguments)
        go_on.wait(30)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    ollama = Ollama("http://ollama.example", connect_timeout=1, probe_timeout=0.2)

    hows = []
    for _ in range(3):
        with pytest.raises(OllamaFailed) as caught:
            ollama.version()
        hows.append(caught.value.end.kind)
    go_on.set()

    assert hows == [EndKind.UNANSWERED, EndKind.NOT_CONNECTED, EndKind.NOT_CONNECTED]
    assert len(lookups) == 1
    until(lambda: not errands(), within=10, what="the end of the errand")


def test_whoever_asks_is_heard_of_while_he_waits(monkeypatch):
    monkeypatch.setattr("worker.ollama.errand.LOOK_EVERY", 0.1)
    ollama, turns = Ollama("", connect_timeout=5, probe_timeout=0.5), []
    ollama.meanwhile = lambda: turns.append(time.monotonic())
    with Stranger(then=itertools.repeat(b""), every=0.1) as stranger:
        ollama._url = stranger.url
        with pytest.raises(OllamaFailed):
            ollama.version()

    assert len(turns) >= 2


def test_a_line_without_an_end_is_read_to_its_limit_and_no_further():
    with Stranger(b'HTTP/1.1 200 OK\r\n\r\n{"response":"', then=itertools.repeat(b"x" * 60_000)) as stranger:
        end = failed(stranger, QUESTIONS["stream"])

    assert (end.kind, end.cause) == (EndKind.TOO_MUCH, "the model server sent a line of more than 10 MB")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": "9" * 400}, 60),
        ({"Retry_After": formatdate(1000, usegmt=True), "Date": formatdate(970, usegmt=True)}, 30),
        ({"Retry_After": formatdate(1000, usegmt=True), "Date": formatdate(2000, usegmt=True)}, 0),
        pytest.param({"Retry_After": formatdate(time.time() + 3600, usegmt=True)}, 60, id="in an hour"),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "²"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_how_long_a_server_wants_to_be_left_alone_is_read_within_bounds(said, seconds):
    with Stranger(answer(503, **said)) as stranger:
        assert failed(stranger, BOUNDED["version"]).retry_after == seconds


def test_cookies_are_not_kept():
    ollama = Ollama("", connect_timeout=5)
    with Stranger(answer(200, b'{"done": true}', Set_Cookie="a=b; Path=/")) as stranger:
        ollama._calls._url = stranger.url
        for _ in range(2):
            assert list(ollama.stream("/api/generate", {}, Plug())) == [{"done": True}]

    assert b"cookie" not in b"".join(stranger.heard).lower()


@pytest.mark.parametrize(
    "models", [None, 5, "llama3.2", [5, None, {"name": 5}, []], {"name": "llama3.2"}, [{"name": ["llama3.2"]}]], ids=str
)
def test_a_list_that_is_none_of_ollamas_lists_nothing(models):
    body = json.dumps({"models": models}).encode()
    with Stranger(answer(200, body)) as stranger:
        ollama = Ollama(stranger.url, connect_timeout=5)

        assert not ollama.lists("llama3.2")
        assert ollama.loaded("llama3.2") is None


def errands():
    return [thread for thread in threading.enumerate() if thread.name == "errand"]
