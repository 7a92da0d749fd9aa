"""The benchmark's clients, against a server that says exactly this."""

import socket
import threading
from contextlib import contextmanager

import pytest

from bench.clients import Connection, Unexpected, load
from bench.rows.streaming import events

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(*answers):
    """A server that reads a request on its only connection and gives the next answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                for answer in answers:
                    connection.recv(65_536)
                    for part in answer:
                        connection.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


def chunk(text):
    return b"%x\r\n%s\r\n" % (len(text), text)


def test_one_connection_serves_request_after_request():
    first, second = (OK + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in (b"one", b"three"))

    with answering([first], [second]) as url, Connection(url) as client:
        assert [client.ask("GET", "/"), client.ask("GET", "/")] == [b"one", b"three"]


def test_what_is_no_success_is_an_error_with_its_words():
    answer = b"HTTP/1.1 404 NOT FOUND\r\nContent-Length: 4\r\n\r\ngone"

    with (
        answering([answer]) as url,
        Connection(url) as client,
        pytest.raises(Unexpected, match=r"404 NOT FOUND\s+gone"),
    ):
        client.ask("GET", "/")


def test_events_are_read_however_they_are_cut_into_chunks():
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    first, second = (
        b'event: token\nid: 1-0\ndata: {"text":',
        b' " word"}\n\n: still here\n\nevent: completed\ndata: {}\n\n',
    )

    with answering([head, chunk(first), chunk(second), chunk(b"")]) as url, Connection(url) as reader:
        read = [(name, data) for _, name, data in events(reader, "/")]

    assert read == [("token", {"text": " word"}), ("completed", {})]


def test_a_load_counts_answers_that_come_in_parts():
    parts = [OK, b"Content-Length: 2\r\n\r\n", b"o", b"k"]

    with answering(parts) as url:
        done = load(url, "/", clients=1, seconds=0)

    assert done.latencies == []  # the one answer came when the time was over, and was waited for
