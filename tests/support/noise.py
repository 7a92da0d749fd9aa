"""Whether two things take the same time, as far as a clock can tell."""

from __future__ import annotations

import os
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES = int(os.environ.get("TRIES", "2000"))
"""How often each is done; `make security` has it done more often."""

CERTAIN = 4.0
"""Student's t beyond which it is no chance."""


def difference(action: Callable[[Any], object], make: dict[str, Callable[[], Any]], tries: int = TRIES) -> float:
    """Do it with what each of the two makes, in turns of random order; Student's t of the times that it took."""
    taken: dict[str, list[float]] = {name: [] for name in make}
    for _ in range(tries):
        # Made anew for each turn: what lies in memory for longer is fetched from farther away.
        pair = [(name, each()) for name, each in make.items()]
        for name, subject in random.sample(pair, len(pair)):
            begun = time.perf_counter()
            action(subject)
            taken[name].append(time.perf_counter() - begun)
    return welch(*taken.values())


def welch(some: list[float], others: list[float]) -> float:
    """Student's t of two samples; what lasted longest was something else on this machine, and is cut off."""
    longest = sorted((*some, *others))[int(0.9 * (len(some) + len(others)))]
    some, others = ([min(each, longest) for each in sample] for sample in (some, others))
    error = (statistics.variance(some) + statistics.variance(others)) / len(some)
    return (statistics.mean(some) - statistics.mean(others)) / error**0.5
