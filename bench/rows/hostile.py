"""What others feel of a client that sends the largest bodies there are, and of one that finishes no request."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients import SUBMISSION, Connection, Unexpected
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import Stack

    from bench.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[Measurement]:
    """A row for each."""
    return [
        Measurement(
            name="hostile",
            what="a second client beside the largest bodies, right and wrong, for every list and object",
            sides=_sides,
            repeats=1,
            seconds=16,
            figures=(
                Figure(what="its requests p99", values=value("ms", percent=99), goal=Goal(at_most=50), unit="ms"),
                Figure(what="its requests p50", values=value("ms"), unit="ms"),
                Figure(
                    what="longest pause of /healthz",
                    values=value("healthz ms", percent=100),
                    goal=Goal(at_most=100),
                    unit="ms",
                ),
                Figure(what="bodies", values=value("bodies")),
            ),
            how="The bodies follow from /openapi.json: each list and each object as long as it may be and longer, with "
            "what belongs there and with what does not. One process sends them without pause. Meanwhile submit, "
            "status, queue and healthz are asked in turns, one at a time. No worker runs.",
        ),
        Measurement(
            name="unfinished",
            what="a second client beside 10,050 halves of heads and 900 of bodies from another address",
            sides=_unfinished_sides,
            repeats=1,
            seconds=20,
            figures=(
                Figure(what="its requests p99", values=value("ms", percent=99), goal=Goal(at_most=50), unit="ms"),
                Figure(what="its requests p50", values=value("ms"), unit="ms"),
                Figure(what="a new connection while they come in", values=value("entry ms"), unit="ms"),
                Figure(what="connections", values=value("connections")),
            ),
            how="One process opens them and holds them for ten seconds. Once all are open, one new connection waits "
            "behind them; then submit, status, queue and healthz are asked in turns, one at a time, every other "
            "round on a new connection. No worker runs.",
        ),
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    with bench.product(worker=False) as product:
        yield [Side(name=PRODUCT, take=lambda: _beside(product, bench.few(4, 1)))]


@contextmanager
def _unfinished_sides(bench: Workbench) -> Iterator[list[Side]]:
    with bench.product(worker=False) as product:
        yield [Side(name=PRODUCT, take=lambda: _beside_the_unfinished(product, bench.few(10, 3)))]


def _beside_the_unfinished(product: Stack, seconds: int) -> Taken:
    command = [sys.executable, "-m", "bench.unfinishing", product.url, str(seconds)]
    others: list[float] = []
    with (
        Connection(product.url) as kept,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as held,
    ):
        assert held.stdout
        prompt_id = kept.submit()
        connections, began = held.stdout.readline(), time.perf_counter()
        with Connection(product.url) as last:
            last.submit()
        entry = time.perf_counter() - began
        while held.poll() is None:
            others += _asked(kept, prompt_id)
            with Connection(product.url) as anew:
                others += _asked(anew, prompt_id)
    return {
        "ms": [1000 * each for each in others],
        "entry ms": [1000 * entry],
        "connections": float(connections),
    }


def _asked(client: Connection, prompt_id: str) -> list[float]:
    return [
        client.timed("POST", "/api/v1/prompt", SUBMISSION),
        client.timed("GET", f"/api/v1/prompt/{prompt_id}/status"),
        client.timed("GET", "/api/v1/queue"),
        client.timed("GET", "/healthz"),
    ]


def _beside(product: Stack, rounds: int) -> Taken:
    command = [sys.executable, "-m", "bench.attacking", product.url, str(rounds)]
    others: list[float] = []
    healthz: list[float] = []
    with (
        Connection(product.url) as client,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacking,
    ):
        assert attacking.stdout
        prompt_id = client.submit()  # at once: a connection that says nothing is not kept for long
        attacking.stdout.readline()  # it has made its bodies
        while attacking.poll() is None:
            others.append(client.timed("POST", "/api/v1/prompt", SUBMISSION))
            others.append(client.timed("GET", f"/api/v1/prompt/{prompt_id}/status"))
            others.append(client.timed("GET", "/api/v1/queue"))
            healthz.append(client.timed("GET", "/healthz"))
        sent = attacking.stdout.read()
    if attacking.returncode:
        message = "a body was answered wrongly"
        raise Unexpected(message)
    return {
        "ms": [1000 * each for each in others],
        "healthz ms": [1000 * each for each in healthz],
        "bodies": float(sent),
    }
