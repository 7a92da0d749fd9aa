"""Takes pictures of the page, the README's among them. A script, because a picture is looked at, not asserted.

Each scene is one product and one history of prompts, shown on a desktop and on a telephone, light and dark.
"""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "ollama"), str(ROOT / "tests")]

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright  # noqa: E402
from simulator.client import Simulator  # noqa: E402
from support.machine import CHROMIUM_ARGUMENTS, CHROMIUMS, program  # noqa: E402 (found only through the line above, as are the others)
from support.stack import Stack  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOWN = ROOT / "docs/flight-desktop-light.png"  # by the README
OTHERS = ROOT / ".pictures"  # to be looked at
LARGEST = 300_000  # bytes
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 820}, "device_scale_factor": 1.5},
    "mobile": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True},
}
SKY = "Why is the sky blue?"
HAIKU = "Write a haiku about waiting in line."
LISBON = "Plan a weekend in Lisbon with two children."
QUEUES = "How do I wait for an answer of the queue from Python?"

WAITING = """The sky is blue because of **Rayleigh scattering**. Sunlight holds all colours, and the air scatters the
short waves of blue far more than the long waves of red, about five times as strongly.

1. Light enters the air from one direction.
2. Blue leaves its path and reaches you from everywhere.
3. Towards evening the path is longer, and what is left is red.

That is also why the sun itself looks yellow: it is white with some blue taken out. """

ANSWER = """Hand in the prompt, keep its id, and *hold* one request until the status changes:

```python
import requests

API = "http://localhost:8000/api/v1/prompt"

def answer(prompt: str) -> str:
    made = requests.post(API, json={"prompt": prompt}).json()
    while True:
        result = requests.get(f"{API}/{made['id']}/result?wait=60")
        if result.status_code != 202:
            return result.json()["response"]
```

| way | requests a minute | delay | good for |
|---|---|---|---|
| polling each second | 60 | up to 1 s | a quick script |
| `?wait=60` | 1 | none | programs |
| the event stream | 0 | none | people who read along |

### What to keep in mind

- **202** means *not yet*; ask again.
- **410** means that there will be no answer, and `error` says why.
- An `Idempotency-Key` makes it safe to send the same prompt twice.

> Nothing that was accepted is ever lost, so a program may end while it waits, and ask again later.
"""


def main() -> int:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(*CHROMIUMS), args=CHROMIUM_ARGUMENTS)
        empty(browser)
        flight(browser)
        answer(browser)
        download(browser)
        browser.close()
    return 0


def empty(browser: Browser) -> None:
    with product(browser) as (page, _, _):
        take(browser, page, "empty", _is_connected)


def flight(browser: Browser) -> None:
    """Several prompts in flight, and then the same with the proxy gone."""
    with product(browser, text="Waiting in line,\nthe cursor blinks like a heart.\nThen, at last: a word.") as made:
        page, simulator, stack = made
        expect(submit(page, HAIKU)).to_contain_text("Completed")
        simulator.set(pace=0.35, text=WAITING)
        expect(submit(page, SKY)).to_contain_text("words")
        submit(page, LISBON)
        expect(submit(page, "And what would you pack for it?")).to_contain_text("1 ahead")
        take(browser, page, "flight", _has_caught_up)
        stack.stop()
        row = page.locator("#prompts > li").first
        expect(row).to_contain_text("last checked")
        expect(submit(page, "Is anybody there?")).to_contain_text("Waiting to send")
        take(browser, page, "down", None)


def _is_connected(shown: Page) -> None:
    expect(shown.locator("#headline")).to_contain_text("ready")


def _has_answered(shown: Page) -> None:
    _is_connected(shown)
    expect(shown.locator("table")).to_be_attached()


def _has_caught_up(shown: Page) -> None:
    _is_connected(shown)
    expect(shown.locator("article").last).to_contain_text("words")
    expect(shown.locator("#prompts > li").first).to_contain_text("1 ahead")


def answer(browser: Browser) -> None:
    with product(browser, text=ANSWER) as (page, _, _):
        expect(submit(page, QUEUES)).to_contain_text("Completed")
        expect(page.locator("table")).to_be_visible()
        take(browser, page, "answer", _has_answered, "#results")


def download(browser: Browser) -> None:
    with product(browser, models=[], pull_time=60) as (page, _, _):
        expect(submit(page, SKY)).to_contain_text("Queued")
        expect(page.locator("#headline")).to_contain_text(re.compile(r": [2-9]\d %"))
        take(browser, page, "download", lambda shown: expect(shown.locator("#download")).to_be_visible())


@contextmanager
def product(browser: Browser, **settings: object) -> Iterator[tuple[Page, Simulator, Stack]]:
    """The page of a whole product with a simulator that is set so."""
    with tempfile.TemporaryDirectory() as folder, Simulator(**settings) as simulator:
        stack = Stack(Path(folder) / "stack", simulator)
        try:
            stack.start()
            context = browser.new_context(**SCREENS["desktop"])
            page = context.new_page()
            page.goto(stack.url)
            yield page, simulator, stack
            context.close()
        finally:
            stack.stop()


def submit(page: Page, text: str) -> Locator:
    page.get_by_role("textbox", name="Prompt", exact=True).fill(text)
    page.get_by_role("button", name="Submit prompt").click()
    return page.locator("#prompts > li").filter(has_text=text)


def take(
    browser: Browser, page: Page, name: str, ready: Callable[[Page], None] | None, start: str | None = None
) -> None:
    """Show the page's history on every screen; without `ready`, its own page takes each screen's shape instead."""
    for screen, options in SCREENS.items():
        for scheme in ("light", "dark"):
            context, shown = page.context, page
            if ready:
                context = browser.new_context(
                    **options, color_scheme=scheme, reduced_motion="reduce", storage_state=page.context.storage_state()
                )
                shown = context.new_page()
                shown.goto(page.url)
                ready(shown)
            else:
                page.set_viewport_size(options["viewport"])
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            _picture(shown, f"{name}-{screen}-{scheme}", start if screen == "mobile" else None)
            _close(context, page)


def _picture(page: Page, name: str, start: str | None) -> None:
    path = OTHERS / f"{name}.png"
    if path.name == SHOWN.name:
        path = SHOWN
    path.parent.mkdir(exist_ok=True)
    page.evaluate("(start) => (start ? document.querySelector(start) : document.body).scrollIntoView()", start)
    page.screenshot(path=path)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size} bytes; {LARGEST} are enough for a picture.")


def _close(context: BrowserContext, page: Page) -> None:
    if context is not page.context:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
