"""The parts of the page that the tests touch, by what a person calls them."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page

CALLS = """window.calls = []; window.flying = 0; window.most = 0; Math.random = () => 1;
const real = window.fetch;
window.streams = {};
const bytes = (text) => new TextEncoder().encode(text);
const hold = (id, { headers, signal }) => new Response(new ReadableStream({ start: (control) => {
  const stream = { open: true, last: new Headers(headers).get("Last-Event-ID") };
  stream.push = (text) => control.enqueue(bytes(text));
  const close = (act) => { if (stream.open) { stream.open = false; act(); } };
  stream.end = () => close(() => control.close());
  signal.addEventListener("abort", () => close(() => control.error(signal.reason)));
  stream.push(": here\\n\\n");
  (window.streams[id] ??= []).push(stream);
} }));
window.fetch = async (url, options) => {
  window.calls.push([Date.now(), url]);
  const id = /prompt[/]([^/]+)[/]events$/.exec(url)?.[1];
  if (id) return window.refusal ? new Response("{}", { status: window.refusal }) : hold(id, options);
  window.most = Math.max(window.most, ++window.flying);
  if (window.hang) return new Promise(() => {});
  try { return await real(url, options); } finally { window.flying--; }
};"""


SPOKEN = """addEventListener("DOMContentLoaded", () => {
  window.spoken = [];
  const live = document.querySelector("[role=status]");
  const hear = () => live.textContent && window.spoken.push(live.textContent);
  new MutationObserver(hear).observe(live, { childList: true });
});"""


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Prompt", exact=True)


def rows(page: Page) -> Locator:
    return page.locator("#prompts > li")


def submit(page: Page, text: str) -> None:
    box(page).fill(text)
    page.get_by_role("button", name="Submit prompt").click()


def tell(page: Page, prompt_id: str, event: str, body: dict[str, Any], event_id: str | None = None) -> None:
    """Sends an event over the prompt's newest stream."""
    lines = [f"id: {event_id}"] if event_id else []
    text = "\n".join([*lines, f"event: {event}", f"data: {json.dumps(body)}", "", ""])
    page.evaluate("([id, text]) => window.streams[id].at(-1).push(text)", [prompt_id, text])


def streams(page: Page, prompt_id: str) -> list[dict[str, Any]]:
    """Every stream that the page has had of the prompt: whether it is open, and the id that it went on from."""
    told: list[dict[str, Any]] = page.evaluate(
        "(id) => (window.streams[id] ?? []).map(({ open, last }) => ({ open, last }))", prompt_id
    )
    return told


def result(page: Page) -> Locator:
    return page.get_by_role("article")


def open_result(page: Page, text: str) -> None:
    page.get_by_role("button", name=f"Open: {text}").click()


def press_more(where: Page | Locator, act: str, text: str) -> None:
    """A button that stands behind “More”."""
    where.get_by_role("button", name=f"More: {text}").click()
    where.get_by_role("button", name=f"{act}: {text}").click()


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
