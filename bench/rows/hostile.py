"""What others feel of a client that sends the largest bodies there are."""

from __future__ import annotations

import subprocess
import sys
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
    """The one row."""
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
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    with bench.product(worker=False) as product:
        yield [Side(name=PRODUCT, take=lambda: _beside(product, bench.few(4, 1)))]


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
