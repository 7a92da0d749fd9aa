"""Departures: a client that leaves is missed within 250 ms, whatever else it did before."""

import contextlib
import select
import socket
import sys
import time
from functools import partial

import pytest
from proxy.serving.connection import Connection
from proxy.serving.departures import Departures

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of no other system tells")


@pytest.fixture
def connect():
    """Make a client's socket and the server's connection to it."""
    with contextlib.ExitStack() as opened, socket.create_server(("127.0.0.1", 0)) as server:

        def connect():
            client = opened.enter_context(socket.create_connection(server.getsockname()))
            here, _ = server.accept()
            opened.enter_context(here)
            return client, Connection({"gunicorn.socket": here})

        yield connect


@pytest.fixture
def departures():
    return Departures(select.epoll())


@pytest.mark.parametrize("unread", [b"", b"GET /healthz HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize("leave", [socket.socket.close, lambda client: client.shutdown(socket.SHUT_WR)])
def test_whoever_leaves_is_missed_once_whatever_was_sent_before(connect, departures, until, unread, leave):
    client, connection = connect()
    gone = []
    departures.watch(connection.descriptor, lambda: gone.append(time.monotonic()))
    client.sendall(unread)

    left_at = time.monotonic()
    leave(client)

    until(lambda: gone)
    assert gone[0] - left_at < 1  # 250 ms, and what a busy machine adds
    another, connection = connect()
    departures.watch(connection.descriptor, lambda: gone.append(None))
    another.close()
    until(lambda: gone[-1] is None)
    assert len(gone) == 2


def test_neither_who_stays_nor_who_is_watched_no_more_is_missed(connect, departures, until):
    gone, clients = [], {}
    for name in ("stays", "forgotten", "leaves"):
        clients[name] = connect()
        departures.watch(clients[name][1].descriptor, partial(gone.append, name))

    departures.forget(clients["forgotten"][1].descriptor)
    clients["forgotten"][0].close()
    clients["leaves"][0].close()

    until(lambda: gone)
    assert gone == ["leaves"]


def test_at_the_end_of_the_process_nobody_is_missed(connect, departures, until):
    gone = []
    _, connection = connect()
    departures.watch(connection.descriptor, lambda: gone.append("cut off"))
    departures.stop()
    departures.watch(connection.descriptor, lambda: gone.append("cut off"))  # a last stream on the same connection
    departures.stop()

    connection.cut()

    until(lambda: not departures._is_looking)
    assert gone == []


def test_where_the_kernel_does_not_tell_nobody_is_missed(connect):
    _, connection = connect()
    nothing = Departures(None)

    nothing.watch(connection.descriptor, lambda: 1 / 0)
    nothing.forget(connection.descriptor)
