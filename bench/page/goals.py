"""What was measured beside what was meant, told as it comes and written as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench import machine


@dataclass(frozen=True)
class Row:
    """One figure and its goal, both with their unit."""

    what: str
    measured: str
    goal: str
    is_met: bool


@dataclass(frozen=True)
class Goals:
    """All rows so far."""

    rows: list[Row] = field(default_factory=list)

    def tell(self, what: str, value: float, unit: str, goal: float, *, at_least: bool = False) -> None:
        """Take the figure down and print it. The goal is a ceiling, or with `at_least` a floor."""
        is_met = value >= goal if at_least else value <= goal
        row = Row(what, _figure(value, unit), f"{'≥' if at_least else '≤'} {_figure(goal, unit)}", is_met)
        self.rows.append(row)
        print(f"{'ok  ' if is_met else 'MISS'} {what}: {row.measured} ({row.goal})", flush=True)

    @property
    def are_met(self) -> bool:
        """Whether nothing was missed."""
        return all(row.is_met for row in self.rows)

    def table(self, busy: str = "") -> list[str]:
        """Write the rows in Markdown, what they were measured on, and whether that was `busy`."""
        facts = machine.described()
        on = ", ".join(facts[fact] for fact in ("processor", "system", "began"))
        lines = [
            f"| {row.what} | {row.measured}{'' if row.is_met else ' (missed)'} | {row.goal} |" for row in self.rows
        ]
        warning = [f"**{busy}**", ""] if busy else []
        return ["", *warning, "| what | measured | goal |", "|---|---:|---:|", *lines, "", f"Measured on {on}.", ""]


def _figure(value: float, unit: str) -> str:
    digits = 1 if unit == "%" else 0
    return f"{value:,.{digits}f} {unit}".strip()
