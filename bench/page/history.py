"""500 prompts with their answers closed: what they hold, what keeping them costs, and a reload of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.page.scripted import metrics, resident, scripted, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from bench.page.goals import Goals

FILL = """() => {
  const text = "word ".repeat(780);
  state.prompts = Array.from({ length: 500 }, (_, n) => Object.assign(newPrompt(`Prompt ${n}`),
    { id: `p${n}`, state: "completed", wanted: false, text, tokens: 780 }));
  changed();
}"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SAVE = "() => { const begin = performance.now(); save(); return performance.now() - begin; }"
WATCH = """new MutationObserver((_, it) => {
  if (document.querySelectorAll("#prompts > li").length < 500) return;
  it.disconnect();
  requestAnimationFrame(() => { window.painted = performance.now(); });
}).observe(document, { childList: true, subtree: true });"""


def history(browser: Browser, goals: Goals) -> None:
    """2 MB of it, in memory, in the browser's storage, and on the screen again."""
    page, session = scripted(browser)
    before = resident(browser)
    page.evaluate(FILL)
    session.send("HeapProfiler.collectGarbage")
    goals.tell("500 prompts, closed: DOM nodes", metrics(session)["Nodes"], "", 8_500)
    goals.tell("the same: JS heap", metrics(session)["JSHeapUsedSize"] / 1e6, "MB", 10)
    goals.tell("the same: growth of the page's process", (resident(browser) - before) / 1e6, "MB", 60)
    goals.tell("writing a history of 2 MB, all of it at once", page.evaluate(SAVE), "ms", 20)
    page.evaluate("() => { state.prompts[0].text += 'More.'; }")
    goals.tell("writing it when one answer is new", page.evaluate(SAVE), "ms", 20)
    goals.tell("the history", page.evaluate("Object.entries(localStorage).join().length"), "characters", 2_000_000)
    page.add_init_script(WATCH)
    page.reload()
    goals.tell("reload with it: first paint", until(page, FIRST_PAINT), "ms", 300)
    goals.tell("the same: the list is painted", until(page, "window.painted"), "ms", 300)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})  # a telephone
    page.reload()
    goals.tell("the same: first paint, 4 times slower", until(page, FIRST_PAINT), "ms", 1_000)
    page.context.close()
