"""The sites that are simulated: one host with SQLite, one server of PostgreSQL, answers of three lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bench.engines import POSTGRESQL, SQLITE
from simulation.handover import Outcome, simulate
from simulation.site import DAY, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simulation.costs import Costs

SECONDS = (1.0, 6.0, 30.0)  # that an answer takes, at 50 tokens a second
SLOTS_OF_GPU = 4
HOST_CORES = 8  # of the one host with SQLite, on which proxies and workers run as well
SERVER_CORES = 4  # of PostgreSQL's
BUSY_PROXY = 0.5  # share of a proxy's process
SLOTS = (4, 16, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
ENOUGH_LOST = 0.8  # of the slots' time: what has more slots only loses more


class Kind(NamedTuple):
    """A way to set up a site."""

    name: str
    engine: str
    slots_of_worker: int

    def site(self, *, slots: int, seconds: float, costs: Costs) -> Site:
        """Set it up with as many workers and proxies as its slots ask for."""
        site = Site(slots=slots, seconds=seconds, slots_of_worker=self.slots_of_worker, cores=SERVER_CORES)
        of_proxy = costs.proxy_submission + costs.proxy_result
        proxies = max(2, math.ceil(site.ideal_rate * of_proxy / BUSY_PROXY))
        return replace(site, proxies=proxies, machine_cores=HOST_CORES if self.engine == SQLITE else None)


KINDS = (
    Kind("SQLite on one host", SQLITE, 16),
    Kind("PostgreSQL, workers of 16 slots", POSTGRESQL, 16),
    Kind("PostgreSQL, workers of 64 slots", POSTGRESQL, 64),
)


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one site came to."""

    kind: Kind
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


def curve(kind: Kind, *, seconds: float, costs: Costs) -> Iterator[Point]:
    """Simulate ever more slots, until more of them only lose more."""
    for slots in SLOTS:
        site = kind.site(slots=slots, seconds=seconds, costs=costs)
        point = Point(kind=kind, site=site, outcome=simulate(site, costs))
        yield point
        if point.outcome.loss > ENOUGH_LOST:
            return


def curves(costs: Mapping[str, Costs], *, seconds: float) -> list[Point]:
    """Simulate every kind of site with answers of this length."""
    return [point for kind in KINDS for point in curve(kind, seconds=seconds, costs=costs[kind.engine])]
