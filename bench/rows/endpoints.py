"""What each endpoint costs with much in the queue."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench.clients import SUBMISSION, Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, ratio
from bench.stored import EMPTY, MILLION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

AN_EMPTY_ONE = "an empty queue"
KEYS = ("submit", "status", "status, last in line", "result", "cancel", "delete", "queue", "healthz")


def rows() -> list[Measurement]:
    """Every endpoint, over HTTP."""
    return [
        Measurement(
            name="endpoints",
            what="each endpoint's p50 with 1,000,000 stored prompts and 100,000 waiting / with an empty queue",
            sides=_sides,
            repeats=5,
            seconds=20,
            figures=tuple(
                Figure(what=key, values=ratio(f"{key} ms", to=AN_EMPTY_ONE), goal=Goal(at_most=1.3), unit="×")
                for key in KEYS
            ),
            how="Over HTTP, one request at a time on one connection; each answer is read whole.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    with ExitStack() as ending:

        def side(name: str, size: int) -> Side:
            stored = bench.stored(size)
            product = ending.enter_context(bench.product(worker=False, url=stored.url))
            client = ending.enter_context(Connection(product.url))
            return Side(name=name, take=lambda: _each(client, stored.ids("completed", 1000), bench.few(60, 10)))

        yield [side(AN_EMPTY_ONE, EMPTY), side(PRODUCT, bench.few(MILLION, 10_000))]


def _each(client: Connection, completed: list[str], number: int) -> Taken:
    def timed(method: str, path: str, body: bytes = b"") -> float:
        return 1000 * client.timed(method, path, body)

    waiting = [client.submit() for _ in range(number)]
    known = (completed * number)[:number]
    return {
        "submit ms": [timed("POST", "/api/v1/prompt", SUBMISSION) for _ in range(number)],
        "status ms": [timed("GET", f"/api/v1/prompt/{each}/status") for each in known],
        "status, last in line ms": [timed("GET", f"/api/v1/prompt/{each}/status") for each in waiting],
        "result ms": [timed("GET", f"/api/v1/prompt/{each}/result") for each in known],
        "cancel ms": [timed("POST", f"/api/v1/prompt/{each}/cancel") for each in waiting],
        "delete ms": [timed("DELETE", f"/api/v1/prompt/{each}") for each in waiting],
        "queue ms": [timed("GET", "/api/v1/queue") for _ in range(number)],
        "healthz ms": [timed("GET", "/healthz") for _ in range(number)],
    }
