"""How long it takes to open a queue with much in it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value
from bench.stored import EMPTY, MILLION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stored import Stored
    from bench.workbench import Workbench

AN_EMPTY_ONE = "an empty queue"


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="opening",
            what="opening a queue of 1,000,000 stored prompts, and the first read",
            sides=_sides,
            repeats=5,
            seconds=2,
            figures=(
                Figure(what="full", values=value("ms"), goal=Goal(at_most=1000), unit="ms"),
                Figure(what="empty", values=value("ms", AN_EMPTY_ONE), unit="ms"),
            ),
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    empty, full = bench.stored(EMPTY), bench.stored(bench.few(MILLION, 10_000))
    yield [
        Side(name=AN_EMPTY_ONE, take=lambda: _opened(empty)),
        Side(name=PRODUCT, take=lambda: _opened(full)),
    ]


def _opened(stored: Stored) -> Taken:
    began = time.perf_counter()
    with stored.opened() as queue:
        queue.counts()
        return {"ms": 1000 * (time.perf_counter() - began)}
