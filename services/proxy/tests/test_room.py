"""Room for bodies: what is being read takes 64 MB at most, of one network a quarter, and all of it is given back."""

import contextlib
import http.client
import select
import socket
from collections import Counter

import pytest
from proxy.errors import Busy
from proxy.serving.connection import network
from proxy.serving.room import SHARE, SIZE, Room

MEGABYTE = 1_048_576
LENGTH = b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"prompt": "' + b"a" * (MEGABYTE - 14) + b'"}'
SMALL = {"prompt": "Is there room?"}


@pytest.fixture
def connect():
    with contextlib.ExitStack() as opened:

        def connect(server, network=1):
            door, here = ("127.0.0.1", server.port), (f"127.0.0.{network}", 0)
            return opened.enter_context(socket.create_connection(door, timeout=60, source_address=here))

        yield connect


@pytest.fixture(params=["gevent", "threads"])
def server(request, serve):
    return serve(request.param)


def hear(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def is_full(server):
    answer = server.post("/api/v1/prompt", SMALL)
    return answer.status == 503 and (answer.code, answer.headers["Retry-After"]) == ("busy", "1")


def is_answered(connection):
    return bool(select.select([connection], [], [], 0)[0])


@pytest.fixture
def fill(connect, until):
    """Send all but the end of as many bodies as there is room for, and give their connections."""

    def fill(server):
        held = []

        def is_filled():
            for number, lacking in missing(held):
                for _ in range(lacking):
                    held.append(connect(server, number))
                    held[-1].sendall(LENGTH % MEGABYTE + BODY[:100])
            held[:] = [each for each in held if not is_answered(each)]  # with 503, while others still gave room back
            return len(held) == SIZE // MEGABYTE and is_full(server)

        until(is_filled)
        return held

    return fill


def missing(held):
    """How many bodies of a megabyte each of four networks may still bring."""
    here = Counter(each.getsockname()[0] for each in held)
    return [(network, SIZE // MEGABYTE // SHARE - here[f"127.0.0.{network}"]) for network in range(1, SHARE + 1)]


def finish(connections):
    for connection in connections:
        connection.sendall(BODY[100:])
    assert [hear(connection) for connection in connections] == [202] * len(connections)


def leave(connections):
    for connection in connections:
        connection.close()


def reset(connections):
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


def spoil(connections):
    for connection in connections:
        connection.sendall(b"}" * (MEGABYTE - 100))
    assert [hear(connection) for connection in connections] == [400] * len(connections)


@pytest.mark.parametrize("end", [finish, leave, reset, spoil])
def test_bodies_that_are_being_read_share_64_megabytes_and_give_them_back(server, fill, until, end):
    for _ in range(2):  # what was kept the first time would be missing the second time
        connections = fill(server)

        assert server.get("/healthz").status == server.get("/api/v1/queue").status == 200
        end(connections)
        until(lambda: not is_full(server))

    assert server.traceback == ""


def test_who_is_refused_for_want_of_room_hears_it_in_the_envelope_and_may_go_on(serve, fill):
    server = serve("gevent")
    fill(server)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    statuses = []
    for body in (BODY, b'{"prompt": "small"}'):
        connection.request("POST", "/api/v1/prompt", body)
        answer = connection.getresponse()
        statuses.append((answer.status, answer.headers["Access-Control-Allow-Origin"], b'"busy"' in answer.read()))
    connection.close()

    assert statuses == [(503, "*", True)] * 2


def test_bodies_in_chunks_take_what_they_have_sent(serve, connect, until):
    server = serve("gevent")
    connections = [connect(server, 1 + number % SHARE) for number in range(SIZE // MEGABYTE + 6)]
    for connection in connections:
        connection.sendall(CHUNKED + b"%x\r\n" % (MEGABYTE - 20) + BODY[: MEGABYTE - 20] + b"\r\n")

    until(lambda: any(map(is_answered, connections)))
    for connection in connections:
        connection.sendall(b"14\r\n" + BODY[-20:] + b"\r\n0\r\n\r\n")
    answered = [hear(connection) for connection in connections]

    assert set(answered) == {202, 503}
    assert 50 < answered.count(202) <= SIZE // MEGABYTE
    assert server.post("/api/v1/prompt", SMALL).status == 202


def test_a_network_may_bring_a_quarter_and_others_bring_theirs_meanwhile(server, connect, until):
    greedy = [connect(server, 1) for _ in range(SIZE // MEGABYTE)]
    for connection in greedy:
        connection.sendall(LENGTH % MEGABYTE + BODY[:100])
    until(lambda: is_full(server))

    others = [connect(server, 2) for _ in range(SIZE // MEGABYTE // SHARE)]
    for connection in others:
        connection.sendall(LENGTH % MEGABYTE + BODY)

    assert [hear(connection) for connection in others] == [202] * len(others)
    leave(greedy)
    until(lambda: not is_full(server))


def test_a_room_gives_back_what_was_taken_whatever_happens():
    room = Room(10, connections=10)

    def fail():
        with room.place("here") as place:
            place.grow(4)
            place.grow(6)
            place.grow(1)

    for _ in range(3):
        with pytest.raises(Busy):
            fail()
    with room.place("here") as place:
        place.grow(10)
        place.leave()
        with room.place("there") as other:
            other.grow(10)


def test_a_body_that_is_alone_of_its_network_may_take_more_than_a_quarter():
    room = Room(100, connections=100)

    with room.place("here") as place:
        place.grow(60)
        with pytest.raises(Busy), room.place("here"):
            pass
        with room.place("there") as other:
            other.grow(40)


def test_the_smallest_bodies_of_a_network_take_a_quarter_of_all_places():
    room, places = Room(1_000, connections=100), contextlib.ExitStack()

    with places:
        for _ in range(25):
            places.enter_context(room.place("here")).grow(1)
        with pytest.raises(Busy):
            places.enter_context(room.place("here"))
        for number in range(75):
            places.enter_context(room.place(f"there {number}")).grow(10)
        with pytest.raises(Busy):
            places.enter_context(room.place("elsewhere"))


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:aaaa::7", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_network_is_an_address_or_what_everybody_has_of_the_new_ones(address, of):
    assert network(address) == of
