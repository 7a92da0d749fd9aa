"""The crowd: clients that are waited for take a quarter of the places for each network, and keep nobody else out."""

import contextlib
import http.client
import select
import socket

import pytest
from proxy.serving.connection import Connection
from proxy.serving.crowd import Crowd

PLACES = 40
QUARTER = PLACES // 4
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_BODY = b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
UNWANTED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAM = b"GET /api/v1/prompt/%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def server(serve):
    return serve("gevent", GUNICORN_CMD_ARGS=f"--worker-connections {PLACES}")


@pytest.fixture
def connect(server):
    """Open connections from one of this machine's addresses, and close them in the end."""
    with contextlib.ExitStack() as opened:

        def connect(address, said=b"", number=1):
            made = []
            for _ in range(number):
                door = ("127.0.0.1", server.port)
                one = opened.enter_context(socket.create_connection(door, 30, source_address=(address, 0)))
                with contextlib.suppress(OSError):  # it was let go already
                    one.sendall(said)
                made.append(one)
            return made

        yield connect


def hear(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def is_open(connection):
    """Whether it is neither closed nor answered."""
    with contextlib.suppress(ConnectionResetError):
        return not select.select([connection], [], [], 0)[0]
    return False


@pytest.mark.parametrize("said", [b"", HALF, HALF_BODY, UNWANTED], ids=["nothing", "head", "body", "unwanted body"])
def test_what_one_network_does_not_finish_takes_a_quarter_and_costs_others_nothing(server, connect, until, said):
    kept = connect("127.0.0.2", WHOLE, number=QUARTER)
    assert {hear(one) for one in kept} == {200}

    greedy = connect("127.0.0.1", said, number=3 * PLACES)
    for one in [*kept, *connect("127.0.0.3", number=3)]:
        one.sendall(WHOLE)
        assert hear(one) == 200

    until(lambda: sum(map(is_open, greedy)) <= QUARTER)
    assert server.traceback == ""


def test_who_reads_a_stream_is_not_waited_for_and_may_be_any_number(server, connect):
    streams = connect("127.0.0.1", STREAM % server.submit().encode(), number=2 * QUARTER)
    heads = [one.recv(12) for one in streams]

    connect("127.0.0.1", HALF, number=PLACES)

    assert heads == [b"HTTP/1.1 200"] * len(streams)
    assert server.get("/healthz").status == 200
    for one in streams:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while said := one.recv(65_536):
                assert said
            pytest.fail("a stream was cut")


class Remembering(Connection):
    """A connection that remembers whether it was let go."""

    __slots__ = ("is_let_go",)

    def __init__(self):
        super().__init__({})
        self.is_let_go = False

    def stop_listening(self):
        self.is_let_go = True


@pytest.fixture
def come():
    """Let callers come and be waited for; their connections."""
    with contextlib.ExitStack() as here:

        def come(crowd, address, number):
            connections = [Remembering() for _ in range(number)]
            for connection in connections:
                here.enter_context(crowd.caller(connection, address)).wait()
            return connections

        yield come


@pytest.fixture
def clock(monkeypatch):
    """Set the clock that the crowd looks at, in seconds."""
    return lambda seconds: monkeypatch.setattr("proxy.serving.crowd.time.monotonic", lambda: seconds)


def test_of_one_network_too_many_the_longest_silent_ones_must_go(come, clock):
    crowd = Crowd(places=40)
    clock(0.0)
    theirs, ours = come(crowd, "10.0.0.7", 12), come(crowd, "10.0.0.8", 10)
    crowd.make_room()
    assert not any(one.is_let_go for one in theirs)  # nobody can have read yet what they may have said

    clock(0.2)
    crowd.make_room()

    assert [one.is_let_go for one in theirs] == [True] * 2 + [False] * 10
    assert not any(one.is_let_go for one in ours)


def test_one_who_is_heard_in_time_is_not_counted(come, clock):
    crowd = Crowd(places=40)
    clock(0.0)

    for _ in range(100):
        connection = Remembering()
        with crowd.caller(connection, "10.0.0.7") as caller:
            caller.wait()
            caller.hear()
            assert not connection.is_let_go
    waiting = come(crowd, "10.0.0.7", 10)
    clock(0.2)
    crowd.make_room()

    assert not any(one.is_let_go for one in waiting)
