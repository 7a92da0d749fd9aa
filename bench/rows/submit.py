"""Durable submissions a second over HTTP, beside a constant answer on the same server and beside Gunicorn's threads."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench.clients import load
from bench.figures import Goal
from bench.measurement import PRODUCT, Absent, Figure, Measurement, Side, Taken, ratio, value
from bench.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.measurement import Sides
    from bench.workbench import Workbench

CLIENTS = 64
SECONDS = 2.0
CONSTANT = "constant answer, same server"
GTHREAD = "same app under gthread"
GTHREAD_CONSTANT = "constant answer under gthread"
SWEEP = (1, 2, 4, 8, 16, 32, 64, 128)
SUBMIT_PATH, CONSTANT_PATH = "/api/v1/prompt", "/constant/"


def rows() -> list[Measurement]:
    """The rates under load, and how they grow with the number of clients."""
    return [
        Measurement(
            name="submit",
            what="durable submits/s over HTTP / constant JSON POST on the same server; / the same app under gthread",
            sides=_sides(_at_full_load),
            repeats=3,
            seconds=36,
            figures=(
                Figure(what="/ constant POST", values=ratio("rate", to=CONSTANT), goal=Goal(at_least=0.65), unit="×"),
                Figure(what="/ gthread", values=ratio("rate", to=GTHREAD), goal=Goal(at_least=1.3), unit="×"),
                Figure(what="submits", values=value("rate"), unit="/s"),
                Figure(what="latency p99", values=value("ms", percent=99), unit="ms"),
            ),
            how=f"{CLIENTS} connections; each sends its next request when the last is answered. One thread of another "
            "process makes the load, and takes a part of the second core. A submission is on the disk before its 202.",
        ),
        Measurement(
            name="clients",
            what="durable submits/s against the number of clients",
            sides=_sides(_at_each_number),
            repeats=1,
            seconds=32,
            figures=tuple(
                Figure(what=f"{clients} clients", values=value(f"{clients}"), unit="/s") for clients in SWEEP
            ),
        ),
    ]


def _sides(measure: Callable[[Workbench, str, str], Taken]) -> Sides:
    @contextmanager
    def sides(bench: Workbench) -> Iterator[Sequence[Side | Absent]]:
        with ExitStack() as ending:
            gevent, gthread = (
                ending.enter_context(Server(kind, bench.new_folder())).url for kind in ("gevent", "gthread")
            )

            def side(name: str, url: str, path: str, durability: str = "") -> Side:
                return Side(name=name, take=lambda: measure(bench, url, path), durability=durability)

            yield [
                side(PRODUCT, gevent, SUBMIT_PATH, "fsync, in groups"),
                side(CONSTANT, gevent, CONSTANT_PATH, "stores nothing"),
                side(GTHREAD, gthread, SUBMIT_PATH, "fsync, in groups"),
                side(GTHREAD_CONSTANT, gthread, CONSTANT_PATH, "stores nothing"),
            ]

    return sides


def _at_full_load(bench: Workbench, url: str, path: str) -> Taken:
    load(url, path, clients=CLIENTS, seconds=0.3)  # threads, connections and caches are there afterwards
    done = load(url, path, clients=CLIENTS, seconds=bench.few(2, 1) * SECONDS / 2)
    return {"rate": done.rate, "ms": [1000 * each for each in done.latencies]}


def _at_each_number(bench: Workbench, url: str, path: str) -> Taken:
    seconds = 0.8 if not bench.quick else 0.2
    return {f"{clients}": load(url, path, clients=clients, seconds=seconds).rate for clients in SWEEP}
