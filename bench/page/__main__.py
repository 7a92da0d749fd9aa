"""`python -m bench.page`: measure everything and write it into docs/page.md; with --quick only try it out."""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright
from support.machine import CHROMIUM_ARGUMENTS, CHROMIUMS, program

from bench import section
from bench.page import ROOT, flight, history, loading, reading, streams, texts
from bench.page.goals import Goals


def main() -> int:
    """Measure; 0 when every goal is met."""
    quick = "--quick" in sys.argv
    goals = Goals()
    loading.sizes(goals)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(*CHROMIUMS), args=CHROMIUM_ARGUMENTS)
        loading.requests(browser, goals)
        streams.streams(browser, goals, quick=quick)
        texts.long(browser, goals)
        texts.hostile(browser, goals)
        history.history(browser, goals)
        flight.flight(browser, goals, quick=quick)
        reading.reading(browser, goals)
        browser.close()
    loading.lighthouse(goals, quick=quick)
    if not quick:
        section.rewrite(ROOT / "docs/page.md", "make bench-page", goals.table())
    return 0 if goals.are_met else 1


if __name__ == "__main__":
    sys.exit(main())
