"""Prompts in flight: how often the proxy is asked, and how soon what happens is seen."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.page.scripted import scripted, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from bench.page.goals import Goals

CLICK = """([button, where, sign]) => new Promise((done) => {
  const begin = performance.now();
  document.querySelector(button).click();
  const shows = () => document.querySelector(where)?.textContent.includes(sign);
  const look = () => shows() ? done(performance.now() - begin) : requestAnimationFrame(look);
  requestAnimationFrame(() => setTimeout(look));
})"""
SEEN = """async (happen) => {
  const begin = performance.now();
  window.answer = "done";
  if (happen === "streamed") window.push("completed", window.ended("x")); else window.known = window.ended;
  while (!document.querySelector("li[data-state=completed]")) await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""


def flight(browser: Browser, goals: Goals, *, quick: bool) -> None:
    """Fifty at once, one click of each kind, and the end of one, on its stream and by asking."""
    page, _ = scripted(browser)
    page.evaluate("() => { for (let n = 0; n < 50; n++) submit(`Prompt ${n}`).wanted = false; changed(); }")
    until(page, "window.posts === 50")
    page.evaluate("window.asked.length = 0")
    page.wait_for_timeout(10_000)
    goals.tell("50 prompts in flight: calls in 10 s", page.evaluate("window.asked.length"), "", 41)
    _clicks(page, goals)
    repeats = 3 if quick else 20
    streamed = [_seen(page, "streamed") for _ in range(repeats)]
    goals.tell("completed on the stream to completed on the screen, worst", max(streamed), "ms", 150)
    polled = [_seen(page, "polled") for _ in range(repeats)]
    p95 = statistics.quantiles(polled, n=20)[-1]
    goals.tell("completed at the proxy to completed on the screen, by asking, p95", p95, "ms", 1_200)
    page.context.close()


def _clicks(page: Page, goals: Goals) -> None:
    page.evaluate("() => { state.prompts = []; state.draft = 'hello'; changed(); }")
    submit = page.evaluate(CLICK, [".main", "#prompts > li", "hello"])
    until(page, "state.prompts[0].state === 'processing'")
    cancel = page.evaluate(CLICK, ["#prompts [aria-label^=Cancel]", "#prompts .badge", "Cancel"])
    page.evaluate("() => { Object.assign(state.prompts[0], { state: 'completed', text: 'done' }); changed(); }")
    page.evaluate("() => { document.execCommand = () => true; }")  # the clipboard is the system's
    copy = page.evaluate(CLICK, ["#prompts [aria-label^=Copy]", "#prompts [aria-label^=Copy]", "Copied"])
    for name, took in {"Submit": submit, "Cancel": cancel, "Copy": copy}.items():
        goals.tell(f"a click on {name} to its sign on the screen", took, "ms", 50)


def _seen(page: Page, how: str) -> float:
    """Milliseconds from the end of a prompt that is being answered to the row that says so."""
    page.evaluate(
        """(open) => { state.prompts = []; window.push = null; window.known = window.running;
          submit("next").wanted = open; changed(); }""",
        how == "streamed",
    )
    until(page, "window.push" if how == "streamed" else "state.prompts[0].state === 'processing'")
    return float(page.evaluate(SEEN, how))
