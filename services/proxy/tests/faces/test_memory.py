"""Calls that are held cost little, however much they asked: their questions lie in the queue."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")

QUESTION = "x" * 900_000
MESSAGES = [{"role": "user", "content": QUESTION}]
BODIES = {
    "/api/chat": {"messages": MESSAGES},
    "/api/generate": {"prompt": QUESTION},
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/completions": {"prompt": QUESTION},
    "/v1/responses": {"input": QUESTION},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 5},
}


@pytest.fixture
def hold(gunicorn, until):
    """Send so many requests that nobody answers, and wait for them to stand in line."""
    with contextlib.ExitStack() as connections:

        def hold(count, path, body):
            before = gunicorn.queue()["queued"]
            data = json.dumps(body).encode()
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            for number in range(count):
                connection = connections.enter_context(socket.create_connection(("127.0.0.1", gunicorn.port)))
                connection.sendall(head + data)
                until(lambda number=number: gunicorn.queue()["queued"] == before + number + 1)

        yield hold
    until(lambda: gunicorn.queue()["queued"] == 0)


def resident(server):
    """The bytes of memory that its process takes."""
    status = Path(f"/proc/{server.workers[0]}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.mark.parametrize("path", BODIES)
def test_a_held_call_keeps_no_copy_of_its_body(gunicorn, hold, path):
    body = {"model": "llama3.2", "stream": False, **BODIES[path]}
    hold(5, path, body)  # what is taken once
    before = resident(gunicorn)

    hold(40, path, body)

    assert resident(gunicorn) - before < 40 * len(QUESTION) / 2
