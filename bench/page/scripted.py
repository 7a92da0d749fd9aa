"""A browser with the page in it, whose proxy is a script beside it, and what the browser tells of its own work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripted_proxy import READY, ScriptedProxy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

PROXY = """
window.tasks = []; window.frames = []; window.waits = []; window.posts = 0; window.asked = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((x) => x.duration)))
  .observe({ type: "longtask" });
const say = (body, status = 200) => new Response(JSON.stringify(body), { status });
const facts = (id, status, more) => ({ id, status, outcome: null, position: null, attempt: 1, tokens: 5,
  eta_seconds: null, created_at: null, started_at: null, completed_at: null, error: null, ...more });
window.running = window.known = (id) => facts(id, "processing");
window.ended = (id) => facts(id, "completed", { outcome: "succeeded" });
window.fetch = async (url, { method, signal } = {}) => {
  window.asked.push(performance.now());
  const [, id, what] = /prompt[/]([^/]+)[/](.*)/.exec(url) ?? [];
  if (url.endsWith("queue")) return say(READY);
  if (!id) { const name = `p${++window.posts}`;
    return say({ id: name, status: "queued", position: 1, links: { events: "x" } }, 202); }
  if (what === "status") return say(window.known(id));
  if (what === "result") return say({ ...window.ended(id), response: window.answer });
  if (what === "cancel") return say(facts(id, "completed", { outcome: "cancelled" }));
  return new Response(new ReadableStream({ start(control) {
    window.push = (event, data) => control.enqueue(new TextEncoder().encode(
      `event: ${event}\\nid: 1-1\\ndata: ${JSON.stringify(data)}\\n\\n`));
    signal.addEventListener("abort", () => { try { control.error(signal.reason); } catch { /* closed */ } });
  } }));
};
"""


def scripted(browser: Browser, *, fetch: bool = True) -> tuple[Page, CDPSession]:
    """Open the page in a context of its own. Without `fetch`, requests leave it and are answered from outside."""
    page = browser.new_context().new_page()
    if fetch:
        page.add_init_script(f"const READY = {json.dumps(READY)};{PROXY}")
    ScriptedProxy(page).open()
    session = page.context.new_cdp_session(page)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})  # its own time, not that of others
    session.send("Performance.enable")
    return page, session


def until(page: Page, expression: str) -> Any:
    """The expression's value once it has one. Playwright's own waiting needs an eval, which the page forbids."""
    for _ in range(6_000):
        value = page.evaluate(f"() => {{ const value = {expression}; return typeof value === 'function' || value; }}")
        if value:
            return value
        page.wait_for_timeout(20)
    raise TimeoutError(expression)


def longest_task(page: Page) -> float:
    """The longest that the main thread was busy at a stretch, in milliseconds; 0 where nothing took 50."""
    return float(page.evaluate("Math.max(0, ...window.tasks)"))


def metrics(session: CDPSession) -> dict[str, float]:
    """What Chromium counts of the page: seconds of work, nodes, bytes of its heap."""
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def busy(session: CDPSession) -> float:
    """Seconds that the main thread has worked."""
    return metrics(session)["TaskDuration"]


def resident(browser: Browser) -> int:
    """Bytes of memory that the pages' own processes hold."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    numbers = [each["id"] for each in told if each["type"] == "renderer"]
    return sum(_resident(Path(f"/proc/{number}/status").read_text()) for number in numbers)


def _resident(status: str) -> int:
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
