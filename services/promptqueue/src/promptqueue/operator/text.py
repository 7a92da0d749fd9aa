"""Values of the queue in words for people, on a terminal."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import click

SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Align columns under their names."""
    widths = [max(len(row[column]) for row in (head, *body)) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *body))
    return "\n".join(line.rstrip() for line in lines)


def pairs(*found: tuple[str, str | None]) -> str:
    """Write one line for each name and its value; those without a value are left out."""
    shown = [(name, value) for name, value in found if value is not None]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in shown)


def count(number: int, thing: str) -> str:
    """Count things: 1 prompt, 2 prompts."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write how long something takes, in its largest unit."""
    for unit, size in UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def size(number: int) -> str:
    """Write a number of bytes in megabytes."""
    return f"{number / 1_000_000:,.1f} MB"


def when(seconds: float | None) -> str | None:
    """Write a time of the wall clock to the second, in UTC."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def harmless(text: str) -> str:
    """Show what would control the terminal instead of doing it: texts come from anybody, and from a model."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\u{ord(character):04x}"
        for character in text.replace("\r\n", "\n")
    )


class Age(click.ParamType[float]):
    """A number and its unit, in seconds."""

    name = "age"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read an age; anything else ends the program with a sentence and exit code 2."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", value.strip())
        if not found:
            self.fail(f"{value!r} is not an age: write a number and s, m, h, d or w, such as 7d.", param, ctx)
        return float(found[1]) * SECONDS[found[2]]


AGE = Age()
