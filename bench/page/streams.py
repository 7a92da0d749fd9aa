"""5,000 tokens in ten seconds, and what typing costs meanwhile."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING

from bench.page.scripted import busy, longest_task, scripted, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from bench.page.goals import Goals

MIXED = (
    "## Part\n\nSome *words* with `code` in them, and **more** of them here.\n\n- one\n- two\n\n```py\nx = 1\n```\n\n"
)
TEXTS = {
    "prose, lists, code": MIXED * 400,
    "one long list": "- an item with some *words* in it\n" * 900,
    "one block of code": "```py\n" + "value = compute(of_some, arguments)\n" * 900,
}
CEILINGS = {1: (1_500, 100, 35, 2), 4: (6_000, 200, 60, 10)}
"""By how much slower the processor is: milliseconds of work, of one task, to the next frame; percent of frames lost."""

DEAF = """() => Object.defineProperty(window, "push", { writable: false,
  value: (event, data) => new TextEncoder().encode(JSON.stringify(data)) })"""
STREAM = """async (text) => {
  window.tasks.length = 0;
  const size = Math.ceil(text.length / 5000), begin = performance.now(), box = $("prompt");
  let at = 0, typed = 0;
  box.focus();
  const beat = (time) => { window.frames.push(time); if (at < text.length) requestAnimationFrame(beat); };
  requestAnimationFrame(beat);
  while (at < text.length) {
    const until = (performance.now() - begin) / 10000 * text.length;
    for (; at < until && at < text.length; at += size) {
      window.push("token", { attempt: 1, text: text.slice(at, at + size) });
    }
    if (performance.now() - begin > typed * 200) {
      typed += 1;
      const pressed = performance.now();
      document.execCommand("insertText", false, "x");
      requestAnimationFrame(() => window.waits.push(performance.now() - pressed));
    }
    await new Promise((done) => setTimeout(done, 4));
  }
}"""


def streams(browser: Browser, goals: Goals, *, quick: bool) -> None:
    """Each kind of text on a processor as it is; the mixed one, three times, on one that is four times slower too."""
    for name in TEXTS:
        is_mixed = name == "prose, lists, code"
        for slower in (1, 4) if is_mixed and not quick else (1,):
            _measure(browser, goals, name, slower, repeats=3 if is_mixed and not quick else 1)


def _measure(browser: Browser, goals: Goals, name: str, slower: int, *, repeats: int) -> None:
    text = TEXTS[name]
    unheard, page = _streamed(browser, text, slower, heard=False)
    page.context.close()
    seconds, tasks, lags, lost = [], [], [], []
    for _ in range(repeats):
        worked, page = _streamed(browser, text, slower)
        seconds.append(worked - unheard)
        tasks.append(longest_task(page))
        waits = sorted(page.evaluate("window.waits"))
        lags.append(waits[int(len(waits) * 0.95) - 1])
        lost.append(_lost(page.evaluate("window.frames")))
        page.context.close()
    work, task, lag, frames = CEILINGS[slower]
    times = f", {slower} times slower" if slower > 1 else ""
    goals.tell(f"5,000 tokens in 10 s, {name}{times}: main thread", statistics.median(seconds) * 1000, "ms", work)
    goals.tell(f"the same: longest task{times}", statistics.median(tasks), "ms", task)
    goals.tell(f"the same: a key to the next frame, p95{times}", statistics.median(lags), "ms", lag)
    if repeats > 1:  # of a shared machine the best run tells of the page, the others of the neighbours
        goals.tell(f"the same: frames lost, best of {repeats}{times}", min(lost), "%", frames)


def _streamed(browser: Browser, text: str, slower: int, *, heard: bool = True) -> tuple[float, Page]:
    """Send all of it to a page; the seconds that its main thread worked, and the page.

    Whoever sends and types is a script inside the browser, so its own time is to be measured too: with `heard` false
    nobody listens.
    """
    page, session = scripted(browser)
    page.evaluate("submit('a')")
    page.evaluate("changed()")
    until(page, "window.push")
    if not heard:
        page.evaluate(DEAF)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    before = busy(session)
    page.evaluate(STREAM, text)
    return busy(session) - before, page


def _lost(frames: list[float]) -> float:
    """Percent of the frames that a screen of 60 a second would have shown and that did not come."""
    gaps = [after - before for before, after in itertools.pairwise(frames)]
    due = round((frames[-1] - frames[0]) * 60 / 1000)
    return 100 * sum(round(gap * 60 / 1000) - 1 for gap in gaps if gap > 1.5 * 1000 / 60) / due
