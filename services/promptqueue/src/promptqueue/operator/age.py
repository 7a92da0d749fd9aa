"""Ages as people write them: 90s, 12h, 7d, 4w."""

import re

import click

SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


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
