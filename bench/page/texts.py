"""Long answers and hostile ones: how long until they are there, and for how long the page is deaf meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostile import HOSTILE

from bench.page.scripted import longest_task, scripted, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from bench.page.goals import Goals

LONG = ("lines of code", "lines of prose", "paragraphs", "a list", "a table")

SHOW = """(text) => {
  state.prompts = [Object.assign(newPrompt("shown"), { state: "completed", text })];
  window.tasks.length = 0; window.began = performance.now(); window.first = 0;
  changed();
  requestAnimationFrame(() => setTimeout(() => { window.first = performance.now() - window.began; }));
}"""
WRITTEN = "window.first > 0 && ![...turns.values()].at(-1).more && performance.now() - window.began"
SCROLL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  let before = await frame(), worst = 0;
  for (let pages = 0; pages < 120; pages += 1) {
    scrollBy(0, innerHeight);
    const now = await frame();
    worst = Math.max(worst, now - before);
    before = now;
  }
  return worst;
}"""


def long(browser: Browser, goals: Goals) -> None:
    """Answers of 10,000 lines."""
    for name in LONG:
        page, _ = scripted(browser)
        page.evaluate(SHOW, HOSTILE[name])
        goals.tell(f"10,000 lines, {name}: written", until(page, WRITTEN), "ms", 1_500)
        goals.tell("the same: first lines", page.evaluate("window.first"), "ms", 100)
        goals.tell("the same: longest task", longest_task(page), "ms", 100)
        goals.tell("the same: worst frame of a page down", page.evaluate(SCROLL), "ms", 50)
        page.context.close()


def hostile(browser: Browser, goals: Goals) -> None:
    """The answers that nobody should send to a browser."""
    worst = (0.0, "")
    for name, text in HOSTILE.items():
        page, _ = scripted(browser)
        page.evaluate(SHOW, text)
        until(page, WRITTEN)
        worst = max(worst, (longest_task(page), name))
        page.context.close()
    goals.tell(f"{len(HOSTILE)} hostile answers: longest task ({worst[1]})", worst[0], "ms", 200)
