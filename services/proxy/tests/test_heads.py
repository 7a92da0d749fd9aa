"""Heads of requests: ten seconds, 32 fields, 32 KB, and a place for whoever comes, whatever all others do."""

import contextlib
import http.client
import select
import socket
import time

import gevent
import pytest
from proxy.serving.connection import Connection
from proxy.serving.crowd import Crowd
from proxy.serving.paced_socket import HEAD_WITHIN, LONGEST_HEAD, PacedSocket

HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def connect():
    """Open connections to a server, and close them in the end."""
    with contextlib.ExitStack() as opened:

        def connect(server, said=b"", number=1):
            made = []
            for _ in range(number):
                one = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
                one.sendall(said)
                made.append(one)
            return made

        yield connect


@pytest.fixture
def caller():
    with Crowd(10).caller(Connection({}), "127.0.0.1") as caller:
        yield caller


def hear(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def is_cut(connection):
    return bool(select.select([connection], [], [], 0)[0])  # there is nothing to read but its end


def test_a_head_has_ten_seconds_and_a_kept_connection_that_says_nothing_has_more(serve, connect):
    server = serve("gevent")
    silent, half = connect(server), connect(server, HALF)
    kept_and_half, kept, dripping = connect(server, WHOLE), connect(server, WHOLE), connect(server, HALF)
    assert [hear(one) for one in kept_and_half + kept] == [200, 200]
    kept_and_half[0].sendall(HALF)
    slow = {"silent": silent, "half": half, "half, on a kept one": kept_and_half, "dripping": dripping}

    start, cut_after = time.monotonic(), {}
    while len(cut_after) < len(slow) and time.monotonic() - start < 3 * HEAD_WITHIN:
        with contextlib.suppress(OSError):
            dripping[0].sendall(b"a")
        for name, [one] in slow.items():
            if name not in cut_after and is_cut(one):
                cut_after[name] = time.monotonic() - start
        time.sleep(0.1)

    assert cut_after.keys() == slow.keys()
    assert min(cut_after.values()) > HEAD_WITHIN - 2
    assert max(cut_after.values()) < 2 * HEAD_WITHIN
    kept[0].sendall(WHOLE)
    assert hear(kept[0]) == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [(b"A: b\r\n" * 31, 200), (b"A: b\r\n" * 32, 431), ((b"A: " + b"b" * 8_000 + b"\r\n") * 5, 431)],
    ids=["32 fields", "33 fields", "40 KB"],
)
def test_a_head_has_32_fields_and_32_kilobytes(gunicorn, fields, status):
    assert gunicorn.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n").status == status


def test_the_cookies_that_a_browser_may_send_fit(gunicorn):
    assert gunicorn.get("/healthz", Cookie="a=" + "b" * 4_090 + "; c=" + "d" * 4_000).status == 200


@pytest.mark.parametrize("said", [b"", HALF, WHOLE], ids=["nothing", "half a head", "a request, and no more"])
def test_connections_that_only_take_places_keep_nobody_out(serve, connect, said):
    server = serve("gevent", GUNICORN_CMD_ARGS="--worker-connections 40")
    begun = time.monotonic()

    connect(server, said, number=120)
    for _ in range(5):
        assert server.get("/healthz").status == 200

    assert time.monotonic() - begun < 2 * HEAD_WITHIN  # or two rounds of them would have had to be late first
    assert server.traceback == ""


def test_a_head_that_comes_byte_by_byte_is_looked_at_a_few_times_alone(caller):
    class Client:
        heard = 0

        def recv(self, _size):
            self.heard += 1
            return b"a"

    client = Client()
    turns = PacedSocket(client, 75, lambda: None)

    with gevent.Timeout(1, exception=False):
        while True:
            turns.recv(8_192)

    assert 1 < client.heard < 20


def test_a_long_head_that_comes_in_large_pieces_is_read_at_once(caller):
    class Client:
        def recv(self, size):
            return b"a" * size

    turns = PacedSocket(Client(), 75, caller)

    with gevent.Timeout(5):
        assert sum(len(turns.recv(8_192)) for _ in range(LONGEST_HEAD // 8_192)) == LONGEST_HEAD
