"""What a reader feels of the other prompts: how soon the first text of a new one comes, and whether a line moves."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.page.scripted import scripted

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from bench.page.goals import Goals

FIRST = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  window.push = null;
  window.known = (id) => id.startsWith("old") ? window.ended(id) : window.running(id);
  state.prompts = Array.from({ length: 100 }, (_, n) => Object.assign(newPrompt(`old ${n}`),
    { id: `old${n}`, state: "queued", wanted: false }));
  changed();
  const begin = performance.now();
  submit("new");
  changed();
  while (!window.push) await frame();
  window.push("token", { attempt: 1, text: "Hello." });
  while (!document.querySelector("article .body")?.textContent.includes("Hello")) await frame();
  return performance.now() - begin;
}"""
DRIFT = """async (scrolled) => {
  const frame = () => new Promise(requestAnimationFrame);
  window.push = null;
  window.known = window.running;
  const text = Array.from({ length: 200 }, (_, n) => `Line ${n} of an answer.\\n\\n`).join("");
  state.prompts = [Object.assign(newPrompt("read"), { id: "read", state: "completed", text })];
  changed();
  while (!document.querySelector("article")?.textContent.includes("Line 199")) await frame();
  scrollTo(0, scrolled);
  await frame();
  const line = [...document.querySelectorAll("article p")].find((x) => x.getBoundingClientRect().top > 150);
  const top = line.getBoundingClientRect().top;
  let most = 0;
  submit("new");
  changed();
  while (!window.push) await frame();
  for (let n = 0; n < 60; n++) {
    window.push("token", { attempt: 1, text: `Line ${n}.\\n\\n` });
    await frame();
    most = Math.max(most, Math.abs(line.getBoundingClientRect().top - top));
  }
  return most;
}"""


def reading(browser: Browser, goals: Goals, *, quick: bool) -> None:
    """A new prompt beside a hundred that ended unseen, and beside one answer that is read."""
    waits = [_first_text(browser) for _ in range(1 if quick else 3)]
    goals.tell("first text of a new prompt beside 100 finished ones", statistics.median(waits), "ms", 1_000)
    page, _ = scripted(browser)
    for scrolled in (0, 1_500):
        where = "scrolled into it" if scrolled else "at the top"
        what = f"what is read moves while another prompt opens and is written, {where}"
        goals.tell(what, page.evaluate(DRIFT, scrolled), "px", 0)
    page.context.close()


def _first_text(browser: Browser) -> float:
    page, _ = scripted(browser)
    took = float(page.evaluate(FIRST))
    page.context.close()
    return took
