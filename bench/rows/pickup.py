"""How soon the model server has the request when the queue is idle."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import direct, gateways, peers
from bench.clients import Connection
from bench.dialects import GENERATE
from bench.figures import Goal
from bench.measurement import PRODUCT, Absent, CannotRun, Figure, Measurement, Side, Taken, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.client import Simulator

    from bench.dialects import Dialect
    from bench.gateways import Gateway
    from bench.workbench import Workbench

SUBMISSIONS = 150
OF_PEERS = 10
PEERS_TIME = 5.0  # seconds
GAP = (0.02, 0.04)  # seconds between two submissions: the one before is long done, as tests of the pace show
DIRECT = "direct calls"


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="pickup",
            what="idle submit → the model server has the request",
            sides=_sides,
            repeats=3,
            seconds=50,
            figures=(
                Figure(what="p50", values=value("ms", percent=50), goal=Goal(at_most=3), unit="ms"),
                Figure(what="p99", values=value("ms", percent=99), goal=Goal(at_most=20), unit="ms"),
            ),
            how=(
                "From before the submission is sent until the model server has read the call, by one monotonic clock. "
                "Nothing else is in line; 20 to 40 ms lie between two submissions."
            ),
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
    server = bench.model_server()
    number = bench.few(SUBMISSIONS, 20)

    def of_peer(put: Callable[[], object]) -> Taken:
        return _picked_up(server, put, bench.few(OF_PEERS, 3), within=PEERS_TIME)

    def of_gateway(gateway: Gateway) -> Taken:
        return _picked_up(server, lambda: _ask(gateway.url, gateway.dialect), number)

    with bench.product(server) as product, Connection(product.url) as client:
        yield [
            Side(name=DIRECT, take=lambda: _picked_up(server, lambda: _ask(server.url, GENERATE), number)),
            Side(name=PRODUCT, take=lambda: _picked_up(server, client.submit, number), durability="fsync"),
            *peers.sides(bench, server, slots=1, take=of_peer),
            *gateways.sides(bench, server, of_gateway),
        ]


def _ask(url: str, dialect: Dialect) -> None:
    for _ in direct.ask(url, dialect):
        pass


def _picked_up(server: Simulator, submit: Callable[[], object], number: int, *, within: float = 60) -> Taken:
    """Submit now and then; milliseconds until the server had each."""
    calls, sent = direct.Calls(server), []
    deadline = time.monotonic() + within
    for each in range(1, number + 1):
        sent.append(time.monotonic())
        submit()
        time.sleep(random.uniform(*GAP))  # who asks at once how it went would be in the way
        try:
            calls.ended(each, within=max(1.0, deadline - time.monotonic()))
        except TimeoutError:
            sent.pop()
            break
    if not sent:
        message = f"the first prompt had not reached the model server after {within:g} s"
        raise CannotRun(message)
    received = [calls.ended(each)["received"] for each in range(1, len(sent) + 1)]
    return {"ms": [1000 * (there - here) for here, there in zip(sent, received, strict=True)]}
