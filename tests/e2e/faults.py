"""Writes docs/faults.md: make faults. Nothing in it is written by hand but what stands between its tables."""

from __future__ import annotations

import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ordeal import COURSES, NOWHERE, SETTINGS, ordeal
from simulator.repertoire import FAILING, REFUSING, WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ordeal import Row

PAGE = Path(__file__).resolve().parents[2] / "docs/faults.md"
UNKNOWN = "the server's name is not known"
HEAD = ("| fault | what the client sees | what the worker did | calls | failures |", "|---|---|---|---:|---:|")

INTRODUCTION = f"""# What becomes of a prompt when Ollama misbehaves

`make faults` wrote this page. For each row it ran the real proxy and the real worker, had the simulator in Ollama's
place do one thing wrong (`ollama/simulator/repertoire.py`), handed in one prompt, and read what its client is told over
HTTP, the worker's log, the simulator's journal of calls, and the failures that the queue has counted. After each the
next prompt was answered at its first attempt. `tests/e2e/test_faults.py` runs some of them again and compares.

What Ollama gets wrong for good it got wrong at every attempt, of which there are three (`MAX_FAILURES`). What takes
long was shortened: {" and ".join(f"`{name}` was {value} s" for name, value in SETTINGS.items())}, and a load
of minutes took two seconds.
"""


def main() -> int:
    PAGE.write_text(page(all_rows()))
    return 0


def groups() -> dict[str, list[str]]:
    """The names of all faults, under what they have in common."""
    others = [name for name in COURSES if name not in {**FAILING, **REFUSING, **WELL}]
    return {
        "An answer fails": list(FAILING),
        "The prompt is refused": list(REFUSING),
        "The server or its model is away": [UNKNOWN, *others],
        "It only looks wrong": list(WELL),
    }


def all_rows() -> dict[str, Row]:
    """Let a prompt meet every fault there is."""
    found: dict[str, Row] = {}
    for row in chain([row_of_nowhere()], rows(COURSES)):
        print(row, flush=True)  # noqa: T201 (a minute is long without a word)
        found[row.fault] = row
    return found


def rows(faults: Iterable[str]) -> Iterable[Row]:
    """Let a prompt meet each of these."""
    with tempfile.TemporaryDirectory() as folder, ordeal(Path(folder)) as product:
        yield from map(product.row, faults)


def row_of_nowhere() -> Row:
    """Let a prompt wait for a server whose name nobody knows."""
    with tempfile.TemporaryDirectory() as folder, ordeal(Path(folder), {"OLLAMA_URLS": NOWHERE}) as product:
        return product.row_of_nowhere(UNKNOWN)


def page(found: Mapping[str, Row | str]) -> str:
    """The whole page, with these rows."""
    parts = [INTRODUCTION]
    for heading, names in groups().items():
        parts.append("\n".join([f"## {heading}", "", *HEAD, *(str(found[name]) for name in names), ""]))
    return "\n".join(parts)


def rows_on_page() -> dict[str, str]:
    """The page's rows as they stand there, each by its fault."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and line not in HEAD]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


if __name__ == "__main__":
    sys.exit(main())
