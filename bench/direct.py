"""Calls that wait for their answer: straight to the model server, as everything is compared with, or not."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bench.clients import Connection, Unexpected
from bench.dialects import GENERATE
from bench.workbench import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.client import Simulator

    from bench.dialects import Dialect


def ask(url: str, dialect: Dialect = GENERATE) -> Iterator[float]:
    """Make a call; the moment at which each token was there. Several that came as one were there at the same moment."""
    with Connection(url) as connection:
        for moment, line in connection.lines("POST", dialect.path, dialect.body()):
            if text := dialect.said(line):
                yield from [moment] * max(1, text.count(WORD))


def many(url: str, number: int, *, at_a_time: int, dialect: Dialect = GENERATE) -> float:
    """Make so many calls, some at a time; the seconds until the last one is answered. Raises Unexpected."""

    def call(_number: int) -> None:
        if not list(ask(url, dialect)):
            message = f"{dialect.path} answered nothing"
            raise Unexpected(message)

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
