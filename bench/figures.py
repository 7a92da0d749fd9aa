"""Arithmetic on readings: percentiles, medians, and what is compared pair by pair."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that at least `percent` of all do not exceed: one that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratios(of: Iterable[float], to: Iterable[float]) -> list[float]:
    """Divide pair by pair: the two of a pair were measured one after the other, on an equally busy machine."""
    return [one / other for one, other in zip(of, to, strict=False)]


def differences(of: Iterable[float], to: Iterable[float]) -> list[float]:
    """Subtract pair by pair."""
    return [one - other for one, other in zip(of, to, strict=False)]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What several repeats gave: the median, which is the result, and how far they lay apart."""

    least: float
    median: float
    most: float
    repeats: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up the values of all repeats."""
        return cls(least=min(values), median=statistics.median(values), most=max(values), repeats=len(values))


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure is to reach: at most, or at least, so much."""

    at_most: float | None = None
    at_least: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Tell whether a value reaches it."""
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"


def rounded(value: float) -> str:
    """Write a number with three digits that count, and thousands set apart."""
    if not math.isfinite(value):
        return "never"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
