"""`python -m bench.page`: measure everything and write it into docs/page.md; with --quick only try it out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from support.machine import CHROMIUM_ARGUMENTS, CHROMIUMS, program

from bench import machine, section
from bench.page import ROOT, barriers, flight, history, loading, reading, streams, texts
from bench.page.goals import Goals


def main(arguments: list[str]) -> int:
    """Measure; 0 when every goal is met."""
    options = _options(arguments)
    quick, busy, goals = options.quick, machine.busy_with(machine.load()), Goals()
    print(busy or "The machine is quiet.")
    loading.sizes(goals)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(*CHROMIUMS), args=CHROMIUM_ARGUMENTS)
        loading.requests(browser, goals)
        reading.reading(browser, goals, quick=quick)
        history.history(browser, goals)
        flight.flight(browser, goals, quick=quick)
        streams.streams(browser, goals, quick=quick)
        texts.long(browser, goals)
        texts.hostile(browser, goals)
        barriers.barriers(browser, goals)
        browser.close()
    loading.lighthouse(goals, quick=quick)
    if options.write:
        section.rewrite(options.write, "make bench-page", goals.table(busy))
    return 0 if goals.are_met else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.page", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small repeat of each, to try things out")
    parser.add_argument("--write", type=Path, help="into which page: docs/page.md, unless it is only tried out")
    options = parser.parse_args(arguments)
    if not options.quick:
        options.write = options.write or ROOT / "docs/page.md"
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
