"""The simulation beside what was measured: the makespan of many prompts through the whole product, on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from bench.rows.engines import side_of
from bench.rows.engines_product import DIRECT, PACE, ROUNDS, SLOTS, slots_of
from simulation import costs as costs_of
from simulation.handover import simulate
from simulation.site import Site

if TYPE_CHECKING:
    from simulation.readings import Measured

ROW = "engines-makespan"
MOST_SLOTS_OF_WORKER = 64


@dataclass(frozen=True, kw_only=True)
class Check:
    """One makespan, in seconds."""

    engine: str
    slots: int
    direct: float
    predicted: float
    measured: float

    @property
    def deviation(self) -> float:
        """How far off the prediction is, as a share of what was measured."""
        return self.predicted / self.measured - 1


def checks(measured: Measured) -> list[Check]:
    """Predict each makespan that was measured. An answer takes what it took in direct calls, as many at a time."""
    return [_check(measured, engine, slots) for slots in SLOTS for engine in (SQLITE, POSTGRESQL)]


def _check(measured: Measured, engine: str, slots: int) -> Check:
    direct = measured.value(ROW, side_of(DIRECT, slots_of(slots)), "seconds")
    site = Site(
        slots=slots,
        seconds=direct / ROUNDS,
        pace=1 / PACE,
        slots_of_worker=MOST_SLOTS_OF_WORKER,
        proxies=1,
        spread=0.0,
        machine_cores=int(measured.machine["processor"].split()[0]),
        has_model_here=True,
        prompts=ROUNDS * slots,
    )
    return Check(
        engine=engine,
        slots=slots,
        direct=direct,
        predicted=simulate(site, costs_of.of(engine, measured)).makespan,
        measured=measured.value(ROW, side_of(engine, slots_of(slots)), "seconds"),
    )
