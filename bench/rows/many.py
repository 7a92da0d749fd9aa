"""What it takes to submit thousands of prompts in one commit."""

from __future__ import annotations

import time
import uuid
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.prompt import Idempotency, NewPrompt

from bench.figures import Goal
from bench.measurement import Figure, Measurement, Side, Taken, ratio, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

FEW, MANY = 1_000, 10_000
ENOUGH, ROOM = 10**6, 2**40  # prompts, bytes


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="many",
            what="10,000 prompts in one commit",
            sides=_sides,
            repeats=5,
            seconds=12,
            figures=(
                Figure(what="in", values=value("seconds", _side(MANY)), goal=Goal(at_most=3), unit="s"),
                Figure(
                    what="/ 1,000 prompts",
                    values=ratio("seconds", _side(MANY), to=_side(FEW)),
                    goal=Goal(at_most=12),
                    unit="×",
                ),
            ),
            how="At the queue itself, within a transaction as the proxy's writer has it for all who wait, with every "
            "bound and an Idempotency-Key each, into an empty queue.",
        )
    ]


def _side(number: int) -> str:
    return f"{number:,} at once"


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    yield [Side(name=_side(number), take=partial(_submitted, bench, number)) for number in (FEW, MANY)]


def _submitted(bench: Workbench, number: int) -> Taken:
    url = f"sqlite:///{bench.new_folder()}/queue.db"
    new = [
        NewPrompt(
            request={"prompt": "Why is the sky blue?"}, idempotency=Idempotency(key=str(uuid.uuid4()), fingerprint="f")
        )
        for _ in range(number)
    ]
    with closing(connect(url).open()) as queue:
        began = time.perf_counter()
        with queue.transaction():
            queue.enqueue(*new, max_queued=ENOUGH, max_waiting=ENOUGH, max_stored_bytes=ROOM, min_free_bytes=1)
        return {"seconds": time.perf_counter() - began}
