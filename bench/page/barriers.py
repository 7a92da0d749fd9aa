"""What axe finds that stands in somebody's way, on a page that shows all it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from axe_playwright_python.sync_playwright import Axe

from bench.page.scripted import scripted, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from bench.page.goals import Goals

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ALL = """() => {
  const states = Object.keys(STATES).filter((name) => STATES[name].isEnd || name === "unsent");
  const error = { message: "The model server broke off." };
  const text = "## Part\\n\\n```\\nx\\n```\\n\\n| a |\\n|---|\\n| 1 |";
  state.prompts = states.flatMap((name) => [true, false].map((open) => Object.assign(newPrompt(name), { id: name,
    state: name, error, text, open, wanted: false, opened: 1, load: false, more: open ? "card" : "row" })));
  state.isQueueOpen = true;
  for (const details of document.querySelectorAll("details")) details.open = true;
  changed();
}"""


def barriers(browser: Browser, goals: Goals) -> None:
    """A first visit, and every kind of row and answer, light and dark, on a desktop and a telephone."""
    found = {"a first visit": 0, "every row, answer, field and figure": 0}
    for width in (320, 1280):
        for scheme in SCHEMES:
            page, _ = scripted(browser)
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            until(page, "state.queue")
            found["a first visit"] += _violations(page)
            page.evaluate(ALL)
            until(page, "document.querySelectorAll('article table').length > 4")
            found["every row, answer, field and figure"] += _violations(page)
            page.context.close()
    for what, number in found.items():
        goals.tell(f"violations of axe's rules, {what}, two widths, light and dark", number, "", 0)


def _violations(page: Page) -> int:
    return len(Axe().run(page, options={"runOnly": RULES}).response["violations"])
