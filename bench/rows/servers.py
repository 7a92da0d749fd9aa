"""How long prompts take on several model servers of different speed, beside the best that can be made of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from promptqueue import connect
from simulator.client import Simulator
from support.ports import free_port
from support.waiting import until

from bench import direct
from bench.clients import Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, ratio, value
from bench.workbench import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.stack import Stack

    from bench.workbench import Workbench

PROMPTS = 160
TOKENS = 20
PACES = (0.01, 0.015, 0.02, 0.03)  # seconds for a token: 200 to 600 ms for a prompt
BEST = "the best assignment"


def rows() -> list[Measurement]:
    """Four servers that answer, beside one that is sick and one that is dead."""
    return [
        Measurement(
            name="servers",
            what=(
                f"{PROMPTS} prompts on four model servers that take 0.2, 0.3, 0.4 and 0.6 s for one, "
                "with a fifth that is sick and a sixth that is dead"
            ),
            sides=_sides,
            repeats=2,
            seconds=58,
            figures=(
                Figure(what="", values=ratio("seconds", to=BEST), goal=Goal(at_most=1.10), unit="×"),
                Figure(what="failures that any prompt paid", values=value("failures"), goal=Goal(at_most=0)),
                Figure(what="prompts that were put back", values=value("put back")),
                Figure(what="in all", values=value("seconds"), unit="s"),
            ),
            how=(
                "The best assignment knows how long each server takes: it has called the four straight, one call "
                "after the other, each as often as makes the last of them end soonest. Through the queue it is from "
                "the first submission until the last answer was read over HTTP. The sick server cuts each call "
                "without a word, and says that it is well when it is asked."
            ),
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    number = bench.few(PROMPTS, 16)
    with ExitStack() as ending:
        start = partial(Simulator, text=WORD * TOKENS, keep_alive="-1")
        servers = [ending.enter_context(start(pace=pace)) for pace in PACES]
        sick, dead = ending.enter_context(start(pace=PACES[0])), f"http://127.0.0.1:{free_port()}"
        sick.fault("reset", times=None)
        urls = ",".join([dead, sick.url, *(server.url for server in servers)])
        stack = ending.enter_context(bench.product(servers[0], OLLAMA_URLS=urls))
        until(lambda: sum(each["state"] == "ready" for each in stack.queue()["servers"]) > len(PACES), "all are ready")
        yield [
            Side(name=BEST, take=lambda: {"seconds": _assigned(servers, assignment(number, PACES))}),
            Side(name=PRODUCT, take=lambda: _by_product(stack, number), durability="fsync"),
        ]


def assignment(number: int, seconds: Sequence[float]) -> list[int]:
    """Say how many of so many equal prompts each server answers so that the last ends soonest."""
    counts = [0] * len(seconds)
    for _ in range(number):
        soonest = min(range(len(seconds)), key=lambda each: (counts[each] + 1) * seconds[each])
        counts[soonest] += 1
    return counts


def _assigned(servers: Sequence[Simulator], counts: Sequence[int]) -> float:
    began = time.monotonic()
    with ThreadPoolExecutor(len(servers)) as callers:
        urls = [server.url for server in servers]
        list(callers.map(partial(direct.many, at_a_time=1), urls, counts))
    return time.monotonic() - began


def _by_product(stack: Stack, number: int) -> Taken:
    with Connection(stack.url) as client:
        began = time.monotonic()
        ids = [client.submit() for _ in range(number)]
        for prompt_id in ids:
            client.result(prompt_id)
        seconds = time.monotonic() - began
    with closing(connect(stack.database_url).open()) as queue:
        prompts = [queue.get(prompt_id) for prompt_id in ids]
    failures, attempts = sum(each.failures for each in prompts), sum(each.attempt for each in prompts)
    return {"seconds": seconds, "failures": failures, "put back": attempts - number}
