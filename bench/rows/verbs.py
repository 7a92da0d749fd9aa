"""What the queue's verbs cost with much in the queue."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from promptqueue.prompt import Answered, NewPrompt, Terms

from bench.figures import Goal
from bench.measurement import Figure, Measurement, Readings, Side, Taken, ratio
from bench.stored import EMPTY, MILLION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promptqueue import PromptQueue

    from bench.workbench import Workbench

SIZES = (EMPTY, 1_000, 10_000, 100_000, MILLION)
QUICK_SIZES = (EMPTY, 1_000, 10_000)
EACH = 40  # of each verb in one turn: turns are short, so that a busy moment is everybody's
TERMS = Terms(worker="bench")
ENDING = Answered(record={"response": "Rayleigh.", "done": True}, tokens=2)


def rows() -> list[Measurement]:
    """Submit, claim and status, at the queue itself."""

    def beside_empty(key: str) -> Callable[[Readings], list[float]]:
        return lambda readings: ratio(key, side_of(max(sizes(readings), default=MILLION)), to=side_of(EMPTY))(readings)

    return [
        Measurement(
            name="scale",
            what="submit, claim and status p50 with 1,000,000 stored prompts / empty",
            sides=_sides,
            repeats=12,
            seconds=45,
            figures=tuple(
                Figure(what=key, values=beside_empty(f"{key} µs"), goal=Goal(at_most=most), unit="×")
                for key, most in (("submit", 1.15), ("claim", 1.25), ("status", 1.3))
            ),
            how="At the queue itself, each call with its own commit; a tenth of the number waits in line besides. "
            "Filling the queues is part of this row's time.",
        )
    ]


def side_of(size: int) -> str:
    """Name the side of a queue that holds so many prompts."""
    return f"{size:,} stored"


def sizes(readings: Readings) -> list[int]:
    """Give the sizes that were measured."""
    return [int(side.split()[0].replace(",", "")) for side in readings.taken]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    with ExitStack() as ending:

        def side(size: int) -> Side:
            stored = bench.stored(size)
            queue = ending.enter_context(stored.opened())
            queue.enqueue(*[NewPrompt(request={"prompt": "Why?"})] * EACH)
            known = stored.ids("completed", 1000) or [_answered(queue) for _ in range(EACH)]
            return Side(name=side_of(size), take=lambda: _verbs(queue, known))

        yield [side(size) for size in (QUICK_SIZES if bench.quick else SIZES)]


def _verbs(queue: PromptQueue, known: list[str]) -> Taken:
    def timed(verb: Callable[[], object]) -> float:
        began = time.perf_counter()
        verb()
        return 1_000_000 * (time.perf_counter() - began)

    new = NewPrompt(request={"prompt": "Why is the sky blue?"})
    claims = []
    taken: Taken = {
        "submit µs": [timed(lambda: queue.enqueue(new)) for _ in range(EACH)],
        "claim µs": [timed(lambda: claims.append(queue.claim(TERMS))) for _ in range(EACH)],
        "status µs": [timed(partial(queue.get, each)) for each in known[:: len(known) // EACH]],
    }
    with queue.transaction():
        for claim in claims:
            if claim:
                queue.finish(claim, ENDING)
    return taken


def _answered(queue: PromptQueue) -> str:
    claim = queue.claim(TERMS)
    assert claim, "a prompt was enqueued"
    return queue.finish(claim, ENDING).id
