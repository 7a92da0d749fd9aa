"""`python -m simulation`: write docs/scaling.md and its pictures from what was measured; `--measure` measures anew."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from bench import machine, table
from bench.runner import Runner
from bench.workbench import Workbench, end_on_a_signal
from simulation import page
from simulation.readings import Measured

ROOT = Path(__file__).resolve().parent.parent
FILE = Path(__file__).with_name("measured.json")
ROWS = ("engines-submit", "engines-work", "engines-write", "engines-text", "engines-answers", "engines-makespan")
LONG_ROW = "engines-cycles"


def main(arguments: list[str]) -> int:
    """Measure if asked to, and write. 1 when a part could not be measured."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the costs anew first, in ten minutes")
    parser.add_argument("--cycles", action="store_true", help="and let a million prompts through, in fifteen more")
    options = parser.parse_args(arguments)
    wanted = [*(ROWS if options.measure else ()), *((LONG_ROW,) if options.cycles else ())]
    if wanted and not _measure(wanted):
        return 1
    if not FILE.exists():
        sys.exit("Nothing was measured yet: make simulation MEASURE=1")
    page.write(ROOT / "docs", Measured.read(FILE))
    return 0


def _measure(names: list[str]) -> bool:
    """Measure these rows, and keep what they gave; whether all could be measured."""
    end_on_a_signal()
    console, here, busy = Console(), machine.described(), machine.busy_with(machine.load())
    if busy:
        console.print(busy, style="yellow")
        here["busy"] = busy
    with Workbench(postgres=os.environ.get("BENCH_POSTGRES", "")) as bench:  # noqa: TID251 (an entry file)
        results = Runner(bench, console).run(table.chosen(names))
        here |= bench.versions()
    before = Measured.read(FILE) if FILE.exists() else None
    of_costs = before.machine if before and names == [LONG_ROW] else here
    Measured.of(results, of_costs, before).write(FILE)
    return not any(result.not_run for result in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
