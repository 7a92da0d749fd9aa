"""The whole product on either engine: what an answer and a token cost, and how long many prompts take on many slots.

Both are there for `simulation`, which works out from the costs what the makespans should be, and more.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from promptqueue import connect
from support.processes import below

from bench import direct
from bench.clients import Connection
from bench.engines import POSTGRESQL, SQLITE
from bench.measurement import Figure, Measurement, Side, Taken, ratio, value
from bench.rows.engines import side_of
from bench.usage import processor_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import Stack

    from bench.engines import Engine
    from bench.workbench import Workbench

DIRECT = "direct calls"
SLOTS = (4, 16, 64)
TOKENS, PACE = 25, 0.02  # answers of half a second
ROUNDS = 8  # prompts of each slot
SHORT, LONG, LONG_TOKENS = 320, 32, 50  # answers of one token, and of so many
AT_A_TIME = 16


def rows() -> list[Measurement]:
    """Costs, and makespans."""
    return [
        Measurement(
            name="engines-answers",
            what="processor time of an answer",
            sides=_answering,
            repeats=5,
            seconds=60,
            is_apart=True,
            figures=tuple(
                Figure(what=f"{engine}: {key}", values=value(key, engine), unit="µs")
                for engine in (SQLITE, POSTGRESQL)
                for key in ("worker, an answer", "worker, a token", "proxy, a submission", "proxy, a result")
            ),
            how=f"From answers of one token and of {LONG_TOKENS} at {1 / PACE:.0f} a second, {AT_A_TIME} at a "
            "time; whoever asked waits for one result after the other.",
        ),
        Measurement(
            name="engines-makespan",
            what=f"{ROUNDS} prompts of {TOKENS * PACE:g} s for each slot, through the queue / as direct calls",
            sides=_many,
            repeats=3,
            seconds=150,
            is_apart=True,
            figures=tuple(
                Figure(
                    what=f"{engine}, {slots_of(slots)}",
                    values=ratio("seconds", side_of(engine, slots_of(slots)), to=side_of(DIRECT, slots_of(slots))),
                    unit="×",
                )
                for slots in SLOTS
                for engine in (SQLITE, POSTGRESQL)
            ),
            how="One worker. From the end of a pause, with all prompts in line, until the last result was read over "
            "HTTP; everything runs on this machine, the model server too.",
        ),
    ]


def slots_of(number: int) -> str:
    """Name a number of slots."""
    return f"{number} slots"


@contextmanager
def _answering(bench: Workbench) -> Iterator[list[Side]]:
    with ExitStack() as ending:

        def of(engine: Engine) -> Side:
            server = bench.model_server(slots=AT_A_TIME)
            url = engine.new_queue()
            product = ending.enter_context(bench.product(server, url=url, WORKER_CONCURRENCY=str(AT_A_TIME)))
            return Side(name=engine.name, take=lambda: _costs(bench, engine, product, url))

        yield [of(engine) for engine in bench.engines()]


def _costs(bench: Workbench, engine: Engine, product: Stack, url: str) -> Taken:
    worker = [product.worker_process()]
    proxies = [each for each in product.processes() if "gunicorn" in each.arguments]
    model = below(bench.model_server().pid)

    def used() -> dict[str, float]:
        told = {"worker": processor_seconds(worker), "model": processor_seconds(model)}
        server = engine.processor_seconds()
        return told if server is None else {**told, "server": server}

    def of_each(tokens: int, number: int) -> tuple[dict[str, float], dict[str, float]]:
        """Have so many answered; the microseconds of one, and those of the proxy for its two parts of it."""
        bench.model_server(tokens=tokens, pace=PACE, slots=AT_A_TIME)
        of_proxy = dict.fromkeys(("a submission", "a result"), 0.0)
        with Connection(product.url) as client:
            before = used()
            for _ in range(0, number, AT_A_TIME):
                began = processor_seconds(proxies)
                ids = [client.submit() for _ in range(AT_A_TIME)]
                submitted = processor_seconds(proxies)
                for prompt_id in ids:
                    client.result(prompt_id)
                of_proxy["a submission"] += submitted - began
                of_proxy["a result"] += processor_seconds(proxies) - submitted
            each = {who: 1_000_000 * (now - before[who]) / number for who, now in used().items()}
            return each, {what: 1_000_000 * seconds / number for what, seconds in of_proxy.items()}

    short, of_proxy = of_each(1, bench.few(SHORT, AT_A_TIME))
    long, _ = of_each(LONG_TOKENS, bench.few(LONG, AT_A_TIME))
    taken: Taken = {f"{who}, an answer": each for who, each in short.items()}
    taken |= {f"{who}, a token": (long[who] - short[who]) / (LONG_TOKENS - 1) for who in short}
    taken |= {f"proxy, {what}": each for what, each in of_proxy.items()}
    connections = engine.connections(url)
    return taken if connections is None else taken | {"connections": connections}


@contextmanager
def _many(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=TOKENS, pace=PACE, slots=max(SLOTS))
    rounds = bench.few(ROUNDS, 2)
    with ExitStack() as ending:

        def through(engine: Engine, slots: int) -> Side:
            url = engine.new_queue()
            product = ending.enter_context(bench.product(server, url=url, WORKER_CONCURRENCY=str(slots)))
            return Side(
                name=side_of(engine.name, slots_of(slots)),
                take=partial(_makespan, product, url, rounds * slots),
                durability="fsync",
            )

        def directly(slots: int) -> Side:
            def take() -> Taken:
                return {"seconds": direct.many(server.url, rounds * slots, at_a_time=slots)}

            return Side(name=side_of(DIRECT, slots_of(slots)), take=take)

        yield [
            side
            for slots in SLOTS
            for side in (directly(slots), *(through(engine, slots) for engine in bench.engines()))
        ]


def _makespan(product: Stack, url: str, number: int) -> Taken:
    with closing(connect(url).open()) as queue, Connection(product.url) as client:
        queue.pause(True)
        ids = [client.submit() for _ in range(number)]
        began = time.monotonic()
        queue.pause(False)
        for prompt_id in ids:
            client.result(prompt_id)
        return {"seconds": time.monotonic() - began}
