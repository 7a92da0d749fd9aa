"""Takes the pictures in docs/: python tests/e2e/pictures.py. A script, because a picture is looked at, not asserted."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "ollama"), str(ROOT / "tests/e2e")]

from browser import ARGUMENTS, program  # noqa: E402 (found only through the line above, as are the others)
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402
from simulator.client import Simulator  # noqa: E402
from stack import Stack  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = ROOT / "docs"
LARGEST = 300_000  # bytes
SKY = "Why is the sky blue?"
HAIKU = "Write a haiku about waiting in line."
LISBON = "Plan a weekend in Lisbon with two children."


def main() -> int:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        picture_of_a_download(browser)
        pictures_of_a_prompt(browser)
        picture_of_the_page(browser)
        browser.close()
    return 0


def picture_of_a_download(browser: Browser) -> None:
    with product(browser, models=[], pull_time=12) as (page, _):
        row = submit(page, SKY)
        expect(page.locator("#headline")).to_contain_text(re.compile(r": [4-7]\d %"))
        expect(page.locator("#depth")).to_contain_text("1 queued")
        expect(row).to_contain_text("Queued")
        take(page, "downloading")


def pictures_of_a_prompt(browser: Browser) -> None:
    with product(browser, pace=0.05) as (page, _):
        busy = submit(page, HAIKU)
        expect(busy).to_contain_text("tokens")
        row = submit(page, SKY)
        expect(row).to_contain_text("Next in line")
        expect(page.locator("#depth")).to_contain_text("1 queued · 1 processing")
        take(page, "queued")
        expect(row).to_contain_text("tokens")
        expect(page.locator("#depth")).to_contain_text("0 queued · 1 processing")
        take(page, "processing")
        expect(row).to_contain_text("Completed")
        busy.get_by_role("button", name="Remove").click()
        expect(page.locator("#depth")).to_contain_text("0 queued · 0 processing")
        take(page, "completed")


def picture_of_the_page(browser: Browser) -> None:
    with product(browser, pace=0.02) as (page, simulator):
        expect(submit(page, HAIKU)).to_contain_text("Completed")
        simulator.set(pace=0.15)
        busy = submit(page, SKY)
        expect(busy).to_contain_text("tokens")
        submit(page, LISBON)
        expect(submit(page, "And what would you pack for it?")).to_contain_text("1 ahead")
        expect(page.locator("#depth")).to_contain_text("2 queued · 1 processing")
        expect(page.locator("#headline")).to_contain_text("on CPU", timeout=60_000)
        take(page, "page")


@contextmanager
def product(browser: Browser, **settings: object) -> Iterator[tuple[Page, Simulator]]:
    """The page of a whole product with a simulator that is set so."""
    with tempfile.TemporaryDirectory() as folder, Simulator(**settings) as simulator:
        stack = Stack(Path(folder) / "stack", simulator)
        try:
            stack.start()
            page = browser.new_page(viewport={"width": 1280, "height": 820}, device_scale_factor=2)
            page.goto(stack.url)
            yield page, simulator
            page.close()
        finally:
            stack.stop()


def submit(page: Page, text: str) -> Locator:
    page.get_by_role("textbox", name="Prompt", exact=True).fill(text)
    page.get_by_role("button", name="Submit prompt").click()
    return page.locator("#prompts > li").filter(has_text=text)


def take(page: Page, name: str) -> None:
    path = DOCS / f"{name}.png"
    page.screenshot(path=path)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size} bytes; {LARGEST} are enough for a picture.")


if __name__ == "__main__":
    sys.exit(main())
