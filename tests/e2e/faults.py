"""Writes docs/faults.md: make faults. Nothing in it is written by hand but what stands between its tables."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.ordeal import COURSES, NOWHERE, OTHERS, SETTINGS, TOO_LARGE, ordeal
from simulator.repertoire import FAILING, REFUSING, TURNING_AWAY, WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from e2e.ordeal import Row

PAGE = Path(__file__).resolve().parents[2] / "docs/faults.md"
UNKNOWN = "the server's name is not known"
HEAD = (
    "| fault | alone: what the client sees | what the worker did | calls | failures"
    " | beside others: what the client sees | calls | failures |"
)
RULE = "|---|---|---|---:|---:|---|---:|---:|"
AT_ONCE = 4
"""Products that suffer beside each other: they wait most of the time."""

INTRODUCTION = f"""# What becomes of a prompt when Ollama misbehaves

`make faults` wrote this page. For each row it ran the real proxy and the real worker, had the simulator in Ollama's
place do one thing wrong (`ollama/simulator/repertoire.py`), handed in one prompt, and read what its client is told over
HTTP, the worker's log, the simulator's journal of calls, and the failures that the queue has counted: once with the
prompt alone, and once with {OTHERS} others behind it, each of which was answered at its first attempt. After each the
next prompt was answered at its first attempt. `tests/e2e/test_faults.py` runs some of them again and compares.

What Ollama got wrong with a prompt that was alone was mended once it was noticed. What it got wrong with one prompt
and not with the others it got wrong each time: then a bad end counts as a failure where another prompt was answered
since the last, and the third (`MAX_FAILURES`) is the end. A prompt that stays alone is tried for five minutes
(`UPSTREAM_PATIENCE`) before its bad ends count by themselves. What takes long was shortened:
{" and ".join(f"`{name}` was {value} s" for name, value in SETTINGS.items())}, and a load of minutes took two seconds.
"""


def main() -> int:
    PAGE.write_text(page(all_rows()))
    return 0


def groups() -> dict[str, list[str]]:
    """The names of all faults, under what they have in common."""
    refused = [*REFUSING, TOO_LARGE]
    others = [name for name in COURSES if name not in {*FAILING, *refused, *TURNING_AWAY, *WELL}]
    return {
        "The prompt is refused": refused,
        "The server is at fault": list(TURNING_AWAY),
        "The server or its model is away": [UNKNOWN, *others],
        "Nobody knows whose fault it is": list(FAILING),
        "It only looks wrong": list(WELL),
    }


def all_rows() -> dict[str, Row]:
    """Let prompts meet every fault there is."""
    parts = [list(COURSES)[number::AT_ONCE] for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as products:
        found = [row_of_nowhere(), *chain.from_iterable(products.map(lambda names: list(rows(names)), parts))]
    return {row.fault: row for row in found}


def rows(faults: Iterable[str]) -> Iterable[Row]:
    """Let a prompt meet each of these."""
    with tempfile.TemporaryDirectory() as folder, ordeal(Path(folder)) as product:
        for fault in faults:
            row = product.row(fault)
            print(row, flush=True)  # noqa: T201 (minutes are long without a word)
            yield row


def row_of_nowhere() -> Row:
    """Let a prompt wait for a server whose name nobody knows."""
    with tempfile.TemporaryDirectory() as folder, ordeal(Path(folder), {"OLLAMA_URLS": NOWHERE}) as product:
        return product.row_of_nowhere(UNKNOWN)


def page(found: Mapping[str, Row | str]) -> str:
    """The whole page, with these rows."""
    parts = [INTRODUCTION]
    for heading, names in groups().items():
        parts.append("\n".join([f"## {heading}", "", HEAD, RULE, *(str(found[name]) for name in names), ""]))
    return "\n".join(parts)


def rows_on_page() -> dict[str, str]:
    """The page's rows as they stand there, each by its fault."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and line != HEAD]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


if __name__ == "__main__":
    sys.exit(main())
