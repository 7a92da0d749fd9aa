"""What it costs to be watched by Prometheus: a scrape, each request, memory."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from support.ports import free_port

from bench.clients import SUBMISSION, Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, ratio, value
from bench.usage import memory, processor_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.stack import Stack

    from bench.workbench import Workbench

NOT_WATCHED = "not watched"
PROCESSES = 2


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="watching",
            what="being watched by Prometheus",
            sides=_sides,
            repeats=3,
            seconds=6,
            figures=(
                Figure(what="a scrape: p50", values=value("scrape ms"), goal=Goal(at_most=20), unit="ms"),
                Figure(what="its processor time", values=value("scrape's CPU"), unit="ms"),
                *(
                    Figure(
                        what=f"a {what}'s processor time / not watched",
                        values=ratio(f"{what}'s CPU", to=NOT_WATCHED),
                        goal=Goal(at_most=1.1),
                        unit="×",
                    )
                    for what in ("submission", "status")
                ),
                Figure(what="memory of the proxy, watched", values=value("memory"), unit="MB"),
                Figure(what="memory of the proxy, not watched", values=value("memory", NOT_WATCHED), unit="MB"),
            ),
            how=f"{PROCESSES} processes of the proxy, each asked for the same; the memory (PSS) is of all of them.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    port = free_port()
    number = bench.few(200, 20)
    with ExitStack() as ending:

        def served(metrics_port: int) -> Stack:
            variables = {"PROXY_PROCESSES": str(PROCESSES), "METRICS_PORT": str(metrics_port)}
            return ending.enter_context(bench.product(None, worker=False, url=None, **variables))

        watched, not_watched = served(port), served(0)
        yield [
            Side(name=PRODUCT, take=lambda: _asked(watched, number) | _scraped(watched, port, number)),
            Side(name=NOT_WATCHED, take=lambda: _asked(not_watched, number)),
        ]


def _asked(product: Stack, number: int) -> Taken:
    with Connection(product.url) as client:
        status = f"/api/v1/prompt/{client.submit()}/status"
        return {
            "submission's CPU": _processor_ms(
                product, lambda: client.ask("POST", "/api/v1/prompt", SUBMISSION), number
            ),
            "status's CPU": _processor_ms(product, lambda: client.ask("GET", status), number),
            "memory": memory(product.processes()) / 1e6,
        }


def _scraped(product: Stack, port: int, number: int) -> Taken:
    took: list[float] = []
    with Connection(f"http://127.0.0.1:{port}") as prometheus:
        used = _processor_ms(product, lambda: took.append(1000 * prometheus.timed("GET", "/metrics")), number)
    return {"scrape ms": took, "scrape's CPU": used}


def _processor_ms(product: Stack, ask: Callable[[], object], number: int) -> float:
    processes = product.processes()
    before = processor_seconds(processes)
    for _ in range(number):
        ask()
    return 1000 * (processor_seconds(processes) - before) / number
