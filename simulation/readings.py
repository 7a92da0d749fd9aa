"""What the benchmark measured, kept as medians in a file: the simulation begins from it, on any machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.measurement import Readings, Result


@dataclass(frozen=True)
class Measured:
    """The machine, and for each row, side and key the median of all repeats, or every step of a row with one repeat."""

    machine: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Mapping[str, Any]]]

    @classmethod
    def of(cls, results: Sequence[Result], machine: Mapping[str, str], before: Measured | None = None) -> Measured:
        """Sum up what was measured now; of rows that were not, what was known `before` stays."""
        found = {result.measurement.name: _row(result.readings) for result in results if not result.not_run}
        return cls(machine=machine, rows={**(before.rows if before else {}), **found})

    @classmethod
    def read(cls, file: Path) -> Measured:
        """Read it. Raises FileNotFoundError."""
        return cls(**json.loads(file.read_text("utf-8")))

    def write(self, file: Path) -> None:
        """Write it, so that what changes can be read in a diff."""
        file.write_text(json.dumps({"machine": self.machine, "rows": self.rows}, indent=2) + "\n", "utf-8")

    def value(self, row: str, side: str, key: str) -> float:
        """Give one number. Raises KeyError where it was not measured."""
        return float(self.rows[row][side][key])


def _row(readings: Readings) -> dict[str, dict[str, Any]]:
    return {side: {key: _summed(readings, side, key) for key in taken[0]} for side, taken in readings.taken.items()}


def _summed(readings: Readings, side: str, key: str) -> float | list[float]:
    values = sorted(readings.of(side, key))
    [first, *others] = [taken[key] for taken in readings.taken[side]]
    if isinstance(first, list) and not others:
        return [float(f"{each:.4g}") for each in first]
    return float(f"{values[len(values) // 2]:.4g}")
