"""What a client of Ollama's, OpenAI's or Anthropic's feels of the queue, beside one that asks the server itself."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle, islice, pairwise
from typing import TYPE_CHECKING

from support.waiting import until

from bench import direct, gateways
from bench.clients import Connection, request
from bench.dialects import DIALECTS, GENERATE, Dialect
from bench.figures import Goal
from bench.measurement import Absent, Figure, Measurement, Side, Taken, difference, ratio, value
from bench.rows.streams import grant, others
from bench.usage import memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.stack import Stack

    from bench.gateways import Gateway
    from bench.measurement import Readings, Sides
    from bench.workbench import Workbench

DIRECT = "direct calls"
FACES = "through the faces"
FIRST = 0.05  # seconds until a model's first token
PACE = 0.01  # seconds between two tokens
PROMPTS = 16
HELD = 1000
HOLD = 32  # seconds: two beats


def rows() -> list[Measurement]:
    """How long many take, when the tokens come, and what it costs to hold a call."""
    return [
        Measurement(
            name="faces-makespan",
            what=f"{PROMPTS} calls of 200 ms held at once, one at a time / the same calls to the server in turn",
            sides=_sides(_makespan, tokens=20, first=0.0, prompts=PROMPTS),
            repeats=2,
            seconds=60,
            figures=_of_each(lambda face: ratio("seconds", face, to=DIRECT), Goal(at_most=1.02), "×"),
            how="From the first call until the last answer was read, every commit included. Through a face all calls "
            "are open at the same time; the model server itself is asked by one client, call after call.",
        ),
        Measurement(
            name="faces-tokens",
            what="tokens through a face at a pace of 10 ms: how much later the first, what gaps between them",
            sides=_sides(_one_by_one, tokens=40, first=FIRST, prompts=6),
            repeats=2,
            seconds=45,
            figures=(
                *_of_each(lambda face: difference("first ms", face, to=DIRECT), Goal(at_most=10), "ms later", ", p50"),
                *_of_each(
                    lambda face: value("gap ms", face, percent=99),
                    Goal(at_most=1000 * PACE + 20),
                    "ms between",
                    ", p99",
                ),
                Figure(what=f"{DIRECT}, p99", values=value("gap ms", DIRECT, percent=99), unit="ms between"),
            ),
            how="From before the call is sent; the model takes 50 ms to its first token.",
        ),
        Measurement(
            name="faces-held",
            what=f"calls held for {HOLD} s, with other requests' p99",
            sides=_holding,
            repeats=1,
            seconds=50,
            figures=(
                Figure(what="held", values=value("held", FACES), goal=Goal(at_least=HELD)),
                Figure(
                    what="other requests p99", values=value("ms", FACES, percent=99), goal=Goal(at_most=50), unit="ms"
                ),
                Figure(what="each", values=value("KB", FACES), goal=Goal(at_most=25), unit="KB"),
            ),
            how="Every face has its part, half of the calls as streams, which are kept alive every 15 s; nobody "
            "answers them. They come one after the other, each when the one before is in line. Meanwhile submit, "
            "status and queue are asked in turns, one at a time. The memory is the proportional set size of the "
            "proxy's processes, after less before.",
        ),
    ]


def _of_each(
    values: Callable[[str], Callable[[Readings], list[float]]], goal: Goal, unit: str, of: str = ""
) -> tuple[Figure, ...]:
    return tuple(Figure(what=f"{each.name}{of}", values=values(each.name), goal=goal, unit=unit) for each in DIALECTS)


def _sides(measure: Callable[[str, Dialect, int, bool], Taken], *, tokens: int, first: float, prompts: int) -> Sides:
    @contextmanager
    def sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
        server = bench.model_server(tokens=tokens, pace=PACE, first=first)
        number = bench.few(prompts, prompts // 3)

        def through(gateway: Gateway) -> Taken:
            return measure(gateway.url, gateway.dialect, number, False)

        with bench.product(server) as product:
            yield [
                Side(name=DIRECT, take=partial(measure, server.url, GENERATE, number, True)),
                *(
                    Side(name=each.name, take=partial(measure, product.url, each, number, False), durability="fsync")
                    for each in DIALECTS
                ),
                *gateways.sides(bench, server, through),
            ]

    return sides


def _makespan(url: str, dialect: Dialect, number: int, is_direct: bool) -> Taken:
    return {"seconds": direct.many(url, number, at_a_time=1 if is_direct else number, dialect=dialect)}


def _one_by_one(url: str, dialect: Dialect, number: int, _is_direct: bool) -> Taken:
    answers = [_timed(url, dialect) for _ in range(number)]
    return {
        "first ms": [1000 * moments[0] for moments in answers],
        "gap ms": [1000 * (later - earlier) for moments in answers for earlier, later in pairwise(moments)],
    }


def _timed(url: str, dialect: Dialect) -> list[float]:
    began = time.monotonic()
    return [moment - began for moment in direct.ask(url, dialect)]


@contextmanager
def _holding(bench: Workbench) -> Iterator[Sequence[Side]]:
    number, seconds = bench.few(HELD, 120), bench.few(HOLD, 6)
    grant(number)
    with bench.product(worker=False) as product:
        yield [Side(name=FACES, take=lambda: _held(product, number, seconds))]


def _held(product: Stack, number: int, seconds: int) -> Taken:
    ways = cycle((each, stream) for each in DIALECTS for stream in (True, False))
    with ExitStack() as held, Connection(product.url) as client:
        prompt_id = client.submit()
        others(client, prompt_id, 60)
        waiting, before = _waiting(client), memory(product.processes())
        for place, (dialect, stream) in enumerate(islice(ways, number), start=waiting + 1):
            call = held.enter_context(socket.create_connection(("127.0.0.1", product.port), timeout=30))
            call.sendall(request("POST", dialect.path, dialect.body(stream=stream)))
            until(partial(_is_long, client, place), "the call is in line", 60)
        taken = others(client, prompt_id, 10 * seconds, apart=0.1)
        more = memory(product.processes()) - before
        still = _waiting(client) - waiting - sum(each % 3 == 0 for each in range(10 * seconds))
        return {"held": float(still), "ms": taken, "KB": more / number / 1000}


def _is_long(client: Connection, length: int) -> bool:
    return _waiting(client) >= length


def _waiting(client: Connection) -> int:
    return int(json.loads(client.ask("GET", "/api/v1/queue"))["queued"])
