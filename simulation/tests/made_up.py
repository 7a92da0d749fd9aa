"""Measurements that nobody made, with round numbers: every row that the simulation asks for."""

from bench.engines import POSTGRESQL, SQLITE
from bench.rows.engines import (
    GROUP,
    PIECES,
    PROCESSES,
    WORKERS,
    glance_of,
    group_of,
    pieces_of,
    processes_of,
    side_of,
    workers_of,
)
from bench.rows.engines_product import DIRECT, ROUNDS, SLOTS, slots_of
from bench.rows.engines_text import LISTENERS, listeners_of
from simulation.readings import Measured

ENGINES = (SQLITE, POSTGRESQL)
OF_A_UNIT = {"client µs": 100, "server µs": 200, "log bytes": 1_000}
ANSWERS = {
    "worker, an answer": 3_000,
    "worker, a token": 50,
    "proxy, a submission": 1_000,
    "proxy, a result": 500,
    "model, a token": 100,
    "connections": 8,
}


def measured():
    submitted = {
        f"{group}, {processes_of(PROCESSES)}": rate for group, rate in ((group_of(1), 1_000), (group_of(GROUP), 8_000))
    }
    written = {pieces_of(pieces): 10_000 for pieces in PIECES} | {glance_of(pieces): 10_000 for pieces in PIECES}
    worked = {workers_of(workers): 1_000 for workers in WORKERS}

    def row(rates):
        return {
            side_of(engine, what): {"rate": rate, **OF_A_UNIT} for engine in ENGINES for what, rate in rates.items()
        }

    return Measured(
        machine={"processor": "2 cores, of nobody's", "system": "none"},
        rows={
            "engines-submit": row(submitted),
            "engines-work": row(worked),
            "engines-write": row(written),
            "engines-text": {
                side_of(POSTGRESQL, listeners_of(number)): {"server %": 1.0 + number} for number in LISTENERS
            },
            "engines-answers": dict.fromkeys(ENGINES, ANSWERS),
            "engines-makespan": {
                side_of(side, slots_of(slots)): {"seconds": 0.5 * ROUNDS * (1 if side == DIRECT else 1.02)}
                for side in (DIRECT, *ENGINES)
                for slots in SLOTS
            },
        },
    )
