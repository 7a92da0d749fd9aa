"""The sites that are simulated: one host with SQLite, one server of PostgreSQL, answers of three lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from simulation.handover import Outcome, simulate
from simulation.site import DAY, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation.costs import Costs

SECONDS = (1.0, 6.0, 30.0)  # that an answer takes, at 50 tokens a second
SLOTS_OF_GPU = 4
SLOTS_OF_WORKER = 16
HOST_CORES = 8  # of the one host with SQLite, on which proxies and workers run as well
SERVER_CORES = 4  # of PostgreSQL's
BUSY_PROXY = 0.5  # share of a proxy's process
SLOTS = (4, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
ENOUGH_LOST = 0.8  # of the slots' time: what has more slots only loses more


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one site came to."""

    engine: str
    site: Site
    outcome: Outcome

    @property
    def slots(self) -> int:
        """How many slots it has."""
        return self.site.slots

    @property
    def prompts_a_day(self) -> float:
        """How many prompts it answers."""
        return self.outcome.rate * DAY


def site_of(engine: str, *, slots: int, seconds: float, costs: Costs) -> Site:
    """Set up a site as one would: with as many workers and proxies as its slots ask for."""
    of_proxy = costs.proxy_submission + costs.proxy_result
    site = Site(slots=slots, seconds=seconds, slots_of_worker=SLOTS_OF_WORKER, cores=SERVER_CORES)
    proxies = max(2, math.ceil(site.ideal_rate * of_proxy / BUSY_PROXY))
    return replace(site, proxies=proxies, machine_cores=HOST_CORES if engine == SQLITE else None)


def curve(engine: str, *, seconds: float, costs: Costs) -> Iterator[Point]:
    """Simulate ever more slots, until more of them only lose more."""
    for slots in SLOTS:
        site = site_of(engine, slots=slots, seconds=seconds, costs=costs)
        point = Point(engine=engine, site=site, outcome=simulate(site, costs))
        yield point
        if point.outcome.loss > ENOUGH_LOST:
            return


def curves(costs: dict[str, Costs], *, seconds: float) -> list[Point]:
    """Simulate both engines with answers of this length."""
    return [point for engine in (SQLITE, POSTGRESQL) for point in curve(engine, seconds=seconds, costs=costs[engine])]
