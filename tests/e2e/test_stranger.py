"""What somebody else says in Ollama's place is read by nobody, and where he sends the worker nothing is heard."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from simulator.hostile import SECRET
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.client import Simulator
    from support.stack import Stack

MARK = SECRET.split(":", maxsplit=1)[0]


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[object]]]:
    """A server that a redirect can point at; its address, and who has called."""
    heard: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):  # the test is over
                while True:
                    connection, address = listening.accept()
                    heard.append(address)
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        listening.shutdown(socket.SHUT_RDWR)


def test_a_redirect_is_told_where_it_leads_and_never_followed(
    build: Callable[..., Stack], simulator: Simulator, elsewhere: tuple[str, list[object]]
) -> None:
    url, heard = elsewhere
    simulator.fault("redirect", status=307, text=f"{url}/api/version", path="*", times=None)
    stack = build()
    stack.start()
    asked = stack.submit("private")
    until(lambda: url in stack.get("/readyz").text, "the redirect is told", 40)

    assert stack.get("/readyz").status == 503
    assert "put that address into OLLAMA_URLS" in stack.get("/readyz").text
    simulator.clear_faults()
    assert stack.answer(asked)
    assert heard == []


@pytest.mark.parametrize("status", [200, 500])
def test_a_strangers_text_is_told_to_nobody(build: Callable[..., Stack], simulator: Simulator, status: int) -> None:
    simulator.fault("foreign", status=status, path="*", times=None)
    stack = build()
    stack.start()
    asked = stack.submit("Hi")
    until(lambda: stack.get("/api/v1/queue").json["model"]["detail"], "the trouble is told", 40)
    told = [stack.get("/readyz").text, stack.get("/api/v1/queue").text, json.dumps(stack.status(asked))]
    simulator.clear_faults()
    simulator.fault("foreign", status=status)
    assert stack.answer(asked)
    told.append(json.dumps(stack.status(asked)))

    assert not any(MARK in each for each in told)
    assert not any(MARK in stack.log(name) for name in ("proxy", "worker"))
