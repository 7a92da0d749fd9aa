"""`python -m bench`: measure, show how far it is, print the table, and write the report."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine, plots, report, table
from bench.runner import Runner
from bench.workbench import Workbench, end_on_a_signal

ROOT = Path(__file__).resolve().parent.parent
REPORT, FOLDER = "benchmark.md", "benchmark"


def main(arguments: list[str]) -> int:
    """Run what was asked for. 1 when a row failed or missed its goal."""
    options = _options(arguments)
    end_on_a_signal()
    try:
        rows = table.chosen(options.rows)
    except ValueError as error:
        sys.exit(str(error))
    console, began, here, busy = Console(), time.monotonic(), machine.described(), machine.busy_with(machine.load())
    console.print(
        f"{len(rows)} rows, about {sum(row.seconds for row in rows) / (6 if options.quick else 1):.0f} seconds."
    )
    if busy:
        console.print(busy, style="yellow")
    with Workbench(quick=options.quick, postgres=options.postgres) as bench:
        results = Runner(bench, console).run(rows)
        here |= bench.versions()
    seconds = time.monotonic() - began
    console.print(_table(report.lines(results)))
    folder = options.write / FOLDER
    pictures = plots.draw(results, folder)
    (options.write / REPORT).write_text(report.markdown(results, here, seconds, pictures, busy))
    console.print(f"Written to {options.write / REPORT} and {folder}, after {seconds:.0f} s.")
    return 1 if any(line[-1] == "missed" for line in report.lines(results)) else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--rows", type=lambda text: text.replace(",", " ").split(), default=[], help="such as submit,gap"
    )
    parser.add_argument("--quick", action="store_true", help="one small repeat of each, to try things out")
    parser.add_argument(
        "--postgres",
        default=os.environ.get("BENCH_POSTGRES", ""),  # noqa: TID251 (an entry file)
        help="the URL of a server to measure, where the role may make databases, instead of one of its own",
    )
    parser.add_argument("--write", type=Path, help="where to: docs, unless only a part is measured")
    options = parser.parse_args(arguments)
    partial = options.rows or options.quick
    options.write = options.write or ROOT / (".bench" if partial else "docs")
    options.write.mkdir(exist_ok=True)
    return options


def _table(lines: list[tuple[str, str, str, str]]) -> Table:
    colours = {"met": "green", "missed": "red", "not run": "yellow"}
    shown = Table("what", "goal", "measured", "", show_lines=False)
    for *cells, verdict in lines:
        shown.add_row(*cells, f"[{colours[verdict]}]{verdict}[/]" if verdict in colours else verdict)
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
