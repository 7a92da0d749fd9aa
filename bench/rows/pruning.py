"""What clients feel of many old prompts being erased."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.clients import SUBMISSION, Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value
from bench.stored import MILLION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.workbench import Workbench

BEFORE = "before"
EVERY = 0.01  # seconds
LONGEST = 90.0  # seconds


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="pruning",
            what="other requests while the janitor prunes 100,000 prompts",
            sides=_sides,
            repeats=1,
            seconds=68,
            figures=(
                Figure(what="submit p99", values=value("submit ms", percent=99), goal=Goal(at_most=20), unit="ms"),
                Figure(what="status p99", values=value("status ms", percent=99), goal=Goal(at_most=20), unit="ms"),
                Figure(what="submit p99 before", values=value("submit ms", BEFORE, percent=99), unit="ms"),
                Figure(what="status p99 before", values=value("status ms", BEFORE, percent=99), unit="ms"),
                Figure(what="pruned", values=value("pruned")),
                Figure(what="in", values=value("seconds"), unit="s"),
            ),
            how="The janitor as it is, on a queue with 1,000,000 stored prompts. Every "
            f"{1000 * EVERY:g} ms a submission and a status are asked for.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    stored = bench.stored(bench.few(MILLION, 10_000))
    with (
        bench.product(worker=False, url=stored.url) as product,
        Connection(product.url) as client,
        stored.opened() as queue,
    ):
        [known] = stored.ids("completed", 1)

        def probed(is_enough: Callable[[], bool]) -> dict[str, list[float]]:
            submits, statuses = [], []
            while not is_enough():
                submits.append(1000 * client.timed("POST", "/api/v1/prompt", SUBMISSION))
                statuses.append(1000 * client.timed("GET", f"/api/v1/prompt/{known}/status"))
                time.sleep(EVERY)
            return {"submit ms": submits, "status ms": statuses}

        def before() -> Taken:
            until = time.monotonic() + bench.few(5, 1)
            return {**probed(lambda: time.monotonic() >= until)}

        def while_pruning() -> Taken:
            stored_before, began = queue.counts().completed, time.monotonic()

            def is_pruned() -> bool:
                return queue.counts().completed <= stored_before - stored.old or time.monotonic() > began + LONGEST

            with _janitor(stored.url, bench.new_folder()):
                taken = probed(is_pruned)
            pruned = float(stored_before - queue.counts().completed)
            return {**taken, "pruned": pruned, "seconds": time.monotonic() - began}

        yield [Side(name=BEFORE, take=before), Side(name=PRODUCT, take=while_pruning)]


@contextmanager
def _janitor(url: str, folder: Path) -> Iterator[None]:
    environment = {**os.environ, "DATABASE_URL": url}  # noqa: TID251 (handed on)
    with (folder / "janitor.log").open("wb") as log:
        command = [sys.executable, "-m", "worker.janitor"]
        janitor = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        janitor.terminate()
        janitor.wait(30)
