"""How long a worker's commit takes while the API is saturated with submissions."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients import load
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value
from bench.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
BUSY_HANDLER = "SQLite's busy handler"
EVERY = 0.02  # seconds between two commits
CLIENTS = 64


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="fairness",
            what="a worker's commit while the API is saturated",
            sides=_sides,
            repeats=3,
            seconds=28,
            figures=(
                Figure(what="p99", values=value("ms", percent=99), goal=Goal(at_most=10), unit="ms"),
                Figure(what="p50", values=value("ms"), unit="ms"),
                Figure(what="p99 without turns", values=value("ms", BUSY_HANDLER, percent=99), unit="ms"),
            ),
            how=f"Another process finishes a prompt and claims the next in one durable commit each {1000 * EVERY:g} "
            f"ms, as a worker does, while {CLIENTS} connections submit without pause. Beside it: a bare commit on "
            "the same file that relies on SQLite's busy handler, with no turnstile.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    folder = bench.new_folder()
    seconds = 3.0 if not bench.quick else 1.0
    with Server("gevent", folder) as server:
        database = folder / "queue.db"

        def committing(how: str) -> Taken:
            command = [sys.executable, "-m", "bench.committing", how, str(database), str(seconds), str(EVERY)]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as worker:
                load(server.url, "/api/v1/prompt", clients=CLIENTS, seconds=seconds + 1)
                output, _ = worker.communicate(timeout=60)
            return {"ms": [1000 * each for each in json.loads(output)]}

        yield [
            Side(name=PRODUCT, take=lambda: committing("turnstile"), durability="fsync"),
            Side(name=BUSY_HANDLER, take=lambda: committing("busy"), durability="fsync"),
        ]
