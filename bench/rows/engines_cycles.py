"""Whether the tables of the line stay as small as the line, however many prompts have passed through it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL
from bench.figures import Goal, percentile, rounded
from bench.measurement import Figure, Measurement, Readings, Side, Taken, value
from bench.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.workbench import Workbench

CYCLES, QUICK_CYCLES = 1_000_000, 20_000
STEPS = 20
PROCESSES = 4
WAITING = 1_000
WRITES = 2  # of partial text in each cycle
TABLES = ("line", "partials", "tally")
MEGABYTE = 1e6


def rows() -> list[Measurement]:
    """The one row, which takes a quarter of an hour."""
    return [
        Measurement(
            name="engines-cycles",
            what=f"{CYCLES:,} prompts through a line of {WAITING:,} on PostgreSQL",
            sides=_sides,
            repeats=1,
            seconds=900,
            is_apart=True,
            figures=(
                *(
                    Figure(
                        what=f"{table} with its indexes, most of the second half / of the first",
                        values=_growth(f"{table} MB"),
                        goal=Goal(at_most=1.25),
                        unit="×",
                    )
                    for table in TABLES
                ),
                *(
                    Figure(what=f"{table} with its indexes, most", values=_most(f"{table} MB"), unit="MB")
                    for table in TABLES
                ),
                Figure(
                    what="a claim, last / first step",
                    values=_last_to_first("claim ms"),
                    goal=Goal(at_most=2),
                    unit="×",
                ),
                Figure(what="wrongly counted", values=value("wrong", POSTGRESQL), goal=Goal(at_most=0)),
                Figure(what="cycles", values=value("rate", POSTGRESQL), unit="/s"),
            ),
            how=f"{PROCESSES} processes without a pause, each cycle five commits: submit, claim, {WRITES} writes of "
            f"text, finish; a janitor folds the ledger each second. {STEPS} steps; sizes are of the end of each.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    engine = bench.postgresql
    url = engine.new_queue()
    number = bench.few(CYCLES, QUICK_CYCLES) // STEPS // PROCESSES
    with Users(url, PROCESSES) as users:
        users[0].do("fill", number=WAITING)

        def step() -> dict[str, float]:
            told = users.do("cycle", processes=PROCESSES, number=number, writes=WRITES)
            columns = ", ".join(f"pg_total_relation_size('{table}')" for table in TABLES)
            sizes = engine.ask(f"SELECT {columns}", of=url)[0]
            return {
                "rate": sum(each["number"] / each["seconds"] for each in told),
                "claim ms": percentile(users[0].do("first_in_line", number=21)["ms"], 50),
                **{f"{table} MB": size / MEGABYTE for table, size in zip(TABLES, sizes, strict=True)},
            }

        def take() -> Taken:
            steps: list[dict[str, float]] = []
            for done in range(1, STEPS + 1):
                steps.append(step())
                told = ", ".join(f"{key} {rounded(each)}" for key, each in steps[-1].items())
                print(f"{done * number * PROCESSES:,} cycles: {told}")
            counts = users[0].do("counts")
            wrong = abs(counts["queued"] - WAITING) + abs(counts["completed"] - number * PROCESSES * STEPS)
            return {**{key: [each[key] for each in steps] for key in steps[0]}, "wrong": wrong}

        yield [Side(name=POSTGRESQL, take=take, durability="fsync")]


def _most(key: str) -> Callable[[Readings], list[float]]:
    return lambda readings: [max(readings.samples(POSTGRESQL, key))]


def _growth(key: str) -> Callable[[Readings], list[float]]:
    def grown(readings: Readings) -> list[float]:
        sizes = readings.samples(POSTGRESQL, key)
        half = len(sizes) // 2
        return [max(sizes[half:]) / max(sizes[:half])]

    return grown


def _last_to_first(key: str) -> Callable[[Readings], list[float]]:
    def compared(readings: Readings) -> list[float]:
        steps = readings.samples(POSTGRESQL, key)
        return [steps[-1] / steps[0]]

    return compared
