"""How long 32 prompts take through a queue, beside the same calls made straight to the model server."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import direct, gateways, peers
from bench.clients import Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Absent, CannotRun, Figure, Measurement, Side, Taken, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.gateways import Gateway
    from bench.workbench import Workbench

PROMPTS = 32
TOKENS, PACE = 20, 0.01  # 200 ms each
DIRECT = "direct calls"
PATIENCE = 30.0  # seconds for all of them


def rows() -> list[Measurement]:
    """One prompt at a time, and four."""
    return [_row(1, seconds=45), _row(4, seconds=45)]


def _row(at_a_time: int, *, seconds: float) -> Measurement:
    @contextmanager
    def sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
        server = bench.model_server(tokens=TOKENS, pace=PACE, slots=at_a_time)
        number = bench.few(PROMPTS, 8)

        def call_directly() -> Taken:
            return {"seconds": direct.many(server.url, number, at_a_time=at_a_time)}

        def through(gateway: Gateway) -> Taken:
            return {"seconds": direct.many(gateway.url, number, at_a_time=number, dialect=gateway.dialect)}

        def by_peer(put: Callable[[], object]) -> Taken:
            return _by_peer(put, direct.Calls(server), number)

        with bench.product(server, WORKER_CONCURRENCY=str(at_a_time)) as product:
            yield [
                Side(name=DIRECT, take=call_directly),
                Side(name=PRODUCT, take=lambda: {"seconds": _by_product(product.url, number)}, durability="fsync"),
                *(peers.sides(bench, server, slots=at_a_time, take=by_peer) if at_a_time > 1 else []),
                *gateways.sides(bench, server, through),
            ]

    return Measurement(
        name=f"makespan-{at_a_time}",
        what=f"{PROMPTS} prompts of 200 ms, {at_a_time} at a time, through the queue / the same calls to the server",
        sides=sides,
        repeats=3,
        seconds=seconds,
        figures=(
            Figure(what="", values=ratio("seconds", to=DIRECT), goal=Goal(at_most=1.02), unit="×"),
            Figure(what="in all", values=lambda readings: readings.of(PRODUCT, "seconds"), unit="s"),
        ),
        how=(
            "From the first submission until the last answer was read over HTTP, every commit included. Peers have it "
            "easier: their time ends when the model server has answered the last call, whether or not anybody could "
            "read it. They run in one process with as many threads, and make the same call; one at a time "
            "they would take a minute, and are left out."
        ),
    )


def _by_product(url: str, number: int) -> float:
    with Connection(url) as client:
        began = time.monotonic()
        ids = [client.submit() for _ in range(number)]
        for prompt_id in ids:
            client.result(prompt_id)
        return time.monotonic() - began


def _by_peer(put: Callable[[], object], calls: direct.Calls, number: int) -> Taken:
    began = time.monotonic()
    for _ in range(number):
        put()
    try:
        # Of several at a time the last to begin need not be the last to end.
        return {"seconds": max(calls.ended(each, within=PATIENCE)["ended"] for each in range(1, number + 1)) - began}
    except TimeoutError:
        message = f"not done within {PATIENCE:g} s"
        raise CannotRun(message) from None
