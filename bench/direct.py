"""Calls straight to the model server: what everything is compared with."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bench.clients import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.client import Simulator

GENERATE = "/api/generate"


def body(prompt: str = "Why is the sky blue?", *, stream: bool = True) -> bytes:
    """Write the body of a call."""
    return json.dumps({"model": "llama3.2", "prompt": prompt, "stream": stream}).encode()


def ask(url: str, path: str = GENERATE) -> Iterator[float]:
    """Make a call; the moment at which each token was there."""
    with Connection(url) as connection:
        for moment, line in connection.lines("POST", path, body()):
            if line and not json.loads(line).get("done"):
                yield moment


def many(url: str, number: int, *, at_a_time: int, path: str = GENERATE) -> float:
    """Make so many calls, some at a time; the seconds until the last one is answered."""

    def call(_number: int) -> None:
        for _ in ask(url, path):
            pass

    began = time.monotonic()
    with ThreadPoolExecutor(at_a_time) as clients:
        list(clients.map(call, range(number)))
    return time.monotonic() - began


class Calls:
    """What the model server sees from here on: calls by number, whoever makes them."""

    def __init__(self, server: Simulator) -> None:
        self._server = server
        self._before = int(server.state()["calls"])

    def ended(self, number: int, *, within: float = 60) -> dict[str, Any]:
        """Wait until the call of this number, from 1, is over; what the server saw of it. Raises TimeoutError."""
        return self._server.wait_for_end(self._before + number, timeout=within)

    def received(self, number: int) -> float:
        """Wait until the call of this number has come; the moment."""
        return float(self._server.wait_for_call(self._before + number, timeout=30)["received"])

    def token(self, number: int) -> None:
        """Wait until the call of this number has its first token."""
        self.tokens(1, of=number)

    def tokens(self, count: int, *, of: int = 1) -> None:
        """Wait until the call of the number `of` has so many tokens."""
        self._server.wait_for_tokens(self._before + of, count, timeout=30)
