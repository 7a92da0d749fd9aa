"""A row of the table: what it measures, on which sides, how often, and what the figures are to reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import figures
from bench.figures import Goal, Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from bench.workbench import Workbench

    Sides = Callable[[Workbench], AbstractContextManager[Sequence["Side | Absent"]]]

Taken = dict[str, float | list[float]]
"""What one repeat on one side gave, by key: a value, or every single sample where their distribution matters."""

PRODUCT = "this product"


class CannotRun(Exception):
    """Something that this measurement needs is not there; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of those that are measured in turns."""

    name: str
    take: Callable[[], Taken]
    durability: str = ""  # what becomes of an accepted prompt when the power goes
    repeats: int | None = None  # fewer than the others where one takes long


@dataclass(frozen=True, kw_only=True)
class Absent:
    """One that would have been measured too."""

    name: str
    why: str


class Readings:
    """All that was taken: for each side and key one entry for each repeat."""

    def __init__(self) -> None:
        self.taken: dict[str, list[Taken]] = {}
        self.durability: dict[str, str] = {}
        self.absent: dict[str, str] = {}

    def add(self, side: Side, taken: Taken) -> None:
        """Keep what one repeat gave."""
        self.taken.setdefault(side.name, []).append(taken)
        self.durability[side.name] = side.durability

    def of(self, side: str, key: str, percent: float = 50) -> list[float]:
        """Give one value for each repeat, of samples their percentile."""
        values = [taken[key] for taken in self.taken.get(side, []) if key in taken]
        return [figures.percentile(each, percent) if isinstance(each, list) else each for each in values]

    def samples(self, side: str, key: str) -> list[float]:
        """Give every sample of all repeats."""
        values = (taken.get(key, []) for taken in self.taken.get(side, []))
        return [sample for each in values for sample in (each if isinstance(each, list) else [each])]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a row: how it follows from the readings, one value for each repeat, and what it is to reach."""

    what: str
    values: Callable[[Readings], list[float]]
    goal: Goal | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One row. `sides` sets up what is measured, gives the sides, and clears up."""

    name: str  # as in ROWS=
    what: str
    sides: Sides
    figures: tuple[Figure, ...]
    repeats: int = 3
    seconds: float = 10  # that it takes, for the progress shown
    how: str = ""  # what a reader must know to believe it
    is_apart: bool = False  # left out of a whole run: measured where it is asked for by its name


@dataclass(kw_only=True)
class Result:
    """What became of a row."""

    measurement: Measurement
    readings: Readings = field(default_factory=Readings)
    not_run: str = ""
    seconds: float = 0.0

    def spread(self, figure: Figure) -> Spread | None:
        """Sum up a figure; None when it was not measured."""
        values = figure.values(self.readings)
        return Spread.of(values) if values else None

    def verdict(self, figure: Figure) -> str:
        """Say whether a figure reached its goal."""
        spread = self.spread(figure)
        if spread is None:
            return "not run"
        if figure.goal is None:
            return ""
        return "met" if figure.goal.is_met_by(spread.median) else "missed"


def value(key: str, side: str = PRODUCT, *, percent: float = 50) -> Callable[[Readings], list[float]]:
    """Take a figure as it was read."""
    return lambda readings: readings.of(side, key, percent)


def ratio(
    key: str, side: str = PRODUCT, *, to: str, key_of_other: str = "", percent: float = 50
) -> Callable[[Readings], list[float]]:
    """Compare with another side, pair by pair."""
    return lambda readings: figures.ratios(
        readings.of(side, key, percent), readings.of(to, key_of_other or key, percent)
    )


def difference(key: str, side: str = PRODUCT, *, to: str, percent: float = 50) -> Callable[[Readings], list[float]]:
    """Give what a side takes more than another, pair by pair."""
    return lambda readings: figures.differences(readings.of(side, key, percent), readings.of(to, key, percent))
