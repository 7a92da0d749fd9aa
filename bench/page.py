"""What the page costs: its size, its way to the screen, its main thread, its memory, each beside its goal.

`make bench-page`. The proxy is a script inside the browser, so that everything measured is the page's own; Lighthouse
looks at the page as a file server gives it. Times are those of this machine: run it when nothing else does.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import os
import re
import statistics
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "services/frontend/tests"), str(ROOT / "tests/e2e")]

from browser import ARGUMENTS, program  # noqa: E402 (found only through the line above, as are the others)
from hostile import HOSTILE  # noqa: E402
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright  # noqa: E402
from scripted_proxy import READY, ScriptedProxy  # noqa: E402

from bench import machine, section  # noqa: E402

PAGE = ROOT / "services/frontend/index.html"
DOCUMENT = ROOT / "docs/page.md"
LINT = ROOT / "services/frontend/lint"
QUICK = "--quick" in sys.argv
ENVIRONMENT = {**os.environ, "CHROME_PATH": str(program())}  # noqa: TID251 (an entry file; npx needs all of it)

PROXY = """
window.tasks = []; window.frames = []; window.waits = []; window.posts = 0; window.asked = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((x) => x.duration)))
  .observe({ type: "longtask" });
window.beat = () => { const step = (time) => { window.frames.push(time); requestAnimationFrame(step); };
  requestAnimationFrame(step); };
const say = (body, status = 200) => new Response(JSON.stringify(body), { status });
const facts = (id, status, more) => ({ id, status, outcome: null, position: null, attempt: 1, tokens: 5,
  eta_seconds: null, created_at: null, started_at: null, completed_at: null, error: null, ...more });
window.known = (id) => facts(id, "processing");
window.fetch = async (url, { method, signal } = {}) => {
  window.asked.push(performance.now());
  const [, id, what] = /prompt[/]([^/]+)[/](.*)/.exec(url) ?? [];
  if (url.endsWith("queue")) return say(READY);
  if (!id) { const name = `p${++window.posts}`;
    return say({ id: name, status: "queued", position: 1, links: { events: "x" } }, 202); }
  if (what === "status") return say(window.known(id));
  if (what === "result") return say({ ...facts(id, "completed", { outcome: "succeeded" }), response: window.answer });
  return new Response(new ReadableStream({ start(control) {
    window.push = (event, data) => control.enqueue(new TextEncoder().encode(
      `event: ${event}\\nid: 1-1\\ndata: ${JSON.stringify(data)}\\n\\n`));
    signal.addEventListener("abort", () => { try { control.error(signal.reason); } catch { /* closed */ } });
  } }));
};
"""

SHOW = """(text) => {
  state.prompts = [Object.assign(newPrompt("shown"), { state: "completed", text })];
  window.tasks.length = 0; window.began = performance.now(); window.first = 0;
  changed();
  requestAnimationFrame(() => setTimeout(() => { window.first = performance.now() - window.began; }));
}"""
WRITTEN = "window.first > 0 && ![...turns.values()].at(-1).more && performance.now() - window.began"

MIXED = (
    "## Part\n\nSome *words* with `code` in them, and **more** of them here.\n\n- one\n- two\n\n```py\nx = 1\n```\n\n"
)
STREAMS = {
    "prose, lists, code": MIXED * 400,
    "one long list": "- an item with some *words* in it\n" * 900,
    "one block of code": "```py\n" + "value = compute(of_some, arguments)\n" * 900,
}


def main() -> int:
    rows: list[tuple[str, str, str, bool]] = []

    def tell(what: str, value: float, unit: str, goal: float, *, at_least: bool = False) -> None:
        is_met = value >= goal if at_least else value <= goal
        sign = "≥" if at_least else "≤"
        rows.append((what, f"{value:,.0f} {unit}".strip(), f"{sign} {goal:,.0f} {unit}".strip(), is_met))
        print(f"{'ok  ' if is_met else 'MISS'} {what}: {rows[-1][1]} ({rows[-1][2]})", flush=True)

    sizes(tell)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        requests_to_show(browser, tell)
        for name, text in STREAMS.items():
            stream(browser, tell, name, text)
        for lines in ("lines of code", "lines of prose", "paragraphs", "a list", "a table"):
            long_text(browser, tell, lines)
        hostile(browser, tell)
        many(browser, tell)
        in_flight(browser, tell)
        browser.close()
    lighthouse(tell)
    if not QUICK:
        section.rewrite(DOCUMENT, "make bench-page", [*written(rows), ""])
    return 0 if all(is_met for *_, is_met in rows) else 1


def written(rows: list[tuple[str, str, str, bool]]) -> list[str]:
    """All of it as a table, and what it was measured on."""
    facts = machine.described()
    on = ", ".join(facts[fact] for fact in ("processor", "system", "began"))
    table = [f"| {what} | {value}{'' if is_met else ' (missed)'} | {goal} |" for what, value, goal, is_met in rows]
    return ["", "| what | measured | goal |", "|---|---:|---:|", *table, "", f"Measured on {on}."]


def sizes(tell: Any) -> None:
    content = PAGE.read_bytes()
    style = re.findall(rb"<style>(.*?)</style>", content, re.DOTALL)[0]
    tell("index.html", len(content), "bytes", 40_000)
    tell("index.html, gzip -9", len(gzip.compress(content, 9)), "bytes", 13_500)
    tell("its style", len(style), "bytes", 6_000)


def requests_to_show(browser: Browser, tell: Any) -> None:
    page, _ = scripted(browser, fetch=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#headline").filter(has_text="Connected").wait_for()
    tell("requests before the first call of the API", sum("/api/" not in x and x[:5] != "data:" for x in asked), "", 1)
    page.context.close()


STREAM = """async (text) => {
  window.tasks.length = 0;
  const size = Math.ceil(text.length / 5000), begin = performance.now(), box = $("prompt");
  let at = 0, typed = 0;
  box.focus();
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


def stream(browser: Browser, tell: Any, name: str, text: str) -> None:
    """5,000 tokens in 10 s, and what typing costs meanwhile.

    Whoever sends and types is a script inside the browser, so its own time is measured too, with nobody who listens.
    """
    for slower, (cpu, task, lag) in {1: (1_500, 100, 35), 4: (6_000, 200, 60)}.items():
        if slower > 1 and (QUICK or name != "prose, lists, code"):
            continue
        unheard, page = streamed(browser, text, slower, heard=False)
        page.context.close()
        seconds, page = streamed(browser, text, slower)
        times = f", {slower} times slower" if slower > 1 else ""
        tell(f"5,000 tokens in 10 s, {name}{times}: main thread", (seconds - unheard) * 1000, "ms", cpu)
        tell(f"the same: longest task{times}", page.evaluate("Math.max(0, ...window.tasks)"), "ms", task)
        waits = sorted(page.evaluate("window.waits"))
        tell(f"the same: a key to the next frame, p95{times}", waits[int(len(waits) * 0.95) - 1], "ms", lag)
        page.context.close()


def streamed(browser: Browser, text: str, slower: int, *, heard: bool = True) -> tuple[float, Page]:
    """Send all of it to a page; the seconds that its main thread worked, and the page."""
    page, session = scripted(browser)
    page.evaluate("submit('a')")
    page.evaluate("changed()")
    until(page, "window.push")
    if not heard:
        page.evaluate("window.push = (event, data) => new TextEncoder().encode(JSON.stringify(data))")
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    before = busy(session)
    page.evaluate(STREAM, text)
    return busy(session) - before, page


def long_text(browser: Browser, tell: Any, name: str) -> None:
    page, _ = scripted(browser)
    page.evaluate(SHOW, HOSTILE[name])
    done = until(page, WRITTEN)
    tell(f"10,000 lines, {name}: written", done, "ms", 1_500)
    tell(f"10,000 lines, {name}: first lines", page.evaluate("window.first"), "ms", 100)
    tell(f"10,000 lines, {name}: longest task", page.evaluate("Math.max(0, ...window.tasks)"), "ms", 100)
    page.context.close()


def hostile(browser: Browser, tell: Any) -> None:
    worst = (0.0, "")
    for name, text in HOSTILE.items():
        page, _ = scripted(browser)
        page.evaluate(SHOW, text)
        until(page, WRITTEN)
        worst = max(worst, (page.evaluate("Math.max(0, ...window.tasks)"), name))
        page.context.close()
    tell(f"23 hostile answers: longest task ({worst[1]})", worst[0], "ms", 200)


def many(browser: Browser, tell: Any) -> None:
    """500 prompts with their answers closed, and a reload of them with 2 MB of history."""
    page, session = scripted(browser)
    page.evaluate(
        """() => {
          const text = "word ".repeat(780);
          state.prompts = Array.from({ length: 500 }, (_, n) => Object.assign(newPrompt(`Prompt ${n}`),
            { id: `p${n}`, state: "completed", open: false, text, tokens: 780 }));
          changed();
        }"""
    )
    session.send("HeapProfiler.collectGarbage")
    tell("500 prompts, closed: DOM nodes", metrics(session)["Nodes"], "", 8_000)
    tell("500 prompts, closed: JS heap", metrics(session)["JSHeapUsedSize"] / 1e6, "MB", 10)
    wrote = "() => { const begin = performance.now(); save(); return performance.now() - begin; }"
    tell("writing a history of 2 MB, all of it at once", page.evaluate(wrote), "ms", 20)
    page.evaluate("() => { state.prompts[0].text += 'More.'; }")
    tell("writing it when one answer is new", page.evaluate(wrote), "ms", 20)
    tell("the history", page.evaluate("Object.entries(localStorage).join().length"), "characters", 2_000_000)
    page.add_init_script(
        """new MutationObserver((_, it) => { if (document.querySelectorAll("#prompts > li").length < 500) return;
          it.disconnect(); requestAnimationFrame(() => { window.painted = performance.now(); }); })
          .observe(document, { childList: true, subtree: true });"""
    )
    page.reload()
    tell("reload with it: the list is painted", until(page, "window.painted"), "ms", 300)
    page.context.close()


def in_flight(browser: Browser, tell: Any) -> None:
    page, _ = scripted(browser)
    page.evaluate("() => { for (let n = 0; n < 50; n++) submit(`Prompt ${n}`).open = false; changed(); }")
    until(page, "window.posts === 50")
    page.evaluate("window.asked.length = 0")
    page.wait_for_timeout(10_000)
    tell("50 prompts in flight: calls in 10 s", page.evaluate("window.asked.length"), "", 41)
    page.evaluate("() => { state.prompts = []; changed(); }")
    feedback = page.evaluate(
        """() => new Promise((done) => { const begin = performance.now(); state.draft = "hello";
          document.querySelector(".main").click();
          requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin))); })"""
    )
    tell("a click on Submit to its row on the screen", feedback, "ms", 50)
    delays = []
    for _ in range(3 if QUICK else 10):
        page.evaluate("() => { state.prompts = []; window.push = null; submit('next'); changed(); }")
        until(page, "window.push")
        delays.append(
            page.evaluate(
                """async () => { const begin = performance.now(); window.answer = "done";
                  window.push("completed", { id: "x", status: "completed", outcome: "succeeded", attempt: 1 });
                  while (!document.querySelector("li[data-state=completed]")) await new Promise(requestAnimationFrame);
                  return performance.now() - begin; }"""
            )
        )
    tell("completed on the stream to completed on the screen, worst", max(delays), "ms", 150)
    page.context.close()


def lighthouse(tell: Any) -> None:
    """The page compressed, as its server gives it, with a queue that is ready."""
    handler = functools.partial(Files, directory=str(PAGE.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reports = [_report(f"http://127.0.0.1:{server.server_port}/") for _ in range(1 if QUICK else 3)]
        server.shutdown()
    if None in reports:
        print("Lighthouse is not installed: npm ci in services/frontend/lint")
        return
    goals = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
    for name, goal in goals.items():
        score = statistics.median(report["categories"][name]["score"] for report in reports)
        tell(f"Lighthouse, {name}", score * 100, "", goal, at_least=True)
    audits = {"first-contentful-paint": 1_000, "largest-contentful-paint": 1_000, "interactive": 1_200}
    for name, goal in {**audits, "total-blocking-time": 100}.items():
        tell(name, statistics.median(report["audits"][name]["numericValue"] for report in reports), "ms", goal)
    shift = statistics.median(report["audits"]["cumulative-layout-shift"]["numericValue"] for report in reports)
    tell("cumulative layout shift, thousandths", shift * 1000, "", 0)


def _report(url: str) -> Any:
    if not (LINT / "node_modules/lighthouse").exists():
        return None
    flags = " ".join(["--headless=new", *ARGUMENTS])
    command = ["npx", "lighthouse", url, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    done = subprocess.run(command, cwd=LINT, env=ENVIRONMENT, capture_output=True, check=True)
    return json.loads(done.stdout)


class Files(http.server.SimpleHTTPRequestHandler):
    """The page compressed, and the queue as the proxy tells it."""

    def do_GET(self) -> None:
        is_page = self.path == "/"
        body = gzip.compress(PAGE.read_bytes(), 6) if is_page else json.dumps(READY).encode()
        self.send_response(200 if is_page or self.path == "/api/v1/queue" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_page else "application/json")
        if is_page:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def scripted(browser: Browser, *, fetch: bool = True) -> tuple[Page, CDPSession]:
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


def metrics(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def busy(session: CDPSession) -> float:
    """Seconds that the main thread has worked."""
    return metrics(session)["TaskDuration"]


if __name__ == "__main__":
    sys.exit(main())
