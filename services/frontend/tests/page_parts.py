"""The parts of the page that the tests touch, by what a person calls them."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page

CALLS = """window.calls = []; window.flying = 0; window.most = 0; Math.random = () => 1;
const real = window.fetch;
window.fetch = async (url, options) => {
  window.calls.push([Date.now(), url]);
  window.most = Math.max(window.most, ++window.flying);
  if (window.hang) return new Promise(() => {});
  try { return await real(url, options); } finally { window.flying--; }
};"""


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Prompt", exact=True)


def rows(page: Page) -> Locator:
    return page.locator("#prompts > li")


def submit(page: Page, text: str) -> None:
    box(page).fill(text)
    page.get_by_role("button", name="Submit prompt").click()


def result(page: Page) -> Locator:
    return page.get_by_role("article")


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Lets the page go on until `holds`, at most fifteen seconds."""
    for _ in range(750):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not happen within fifteen seconds")


def take_the_clock(page: Page) -> None:
    """From here on `run` can let the page's time fly; its calls are noted, and its dice always roll the most."""
    page.clock.install()
    page.add_init_script(CALLS)


def run(page: Page, seconds: float) -> None:
    """Lets `seconds` pass on the page's clock, in steps that leave each call the time to come back."""
    for _ in range(round(seconds * 4)):
        page.clock.run_for(250)
        until(page, lambda: page.evaluate("window.flying") == 0)
