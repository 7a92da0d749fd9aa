"""The page's way to the screen: its bytes, its requests, and what Lighthouse says of it on a telephone."""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import os
import statistics
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from scripted_proxy import READY
from support.machine import CHROMIUM_ARGUMENTS, CHROMIUMS, program

from bench.page import ROOT
from bench.page.scripted import scripted

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from bench.page.goals import Goals

PAGE = ROOT / "services/frontend/index.html"
LINT = ROOT / "services/frontend/lint"
ENVIRONMENT = {**os.environ, "CHROME_PATH": str(program(*CHROMIUMS))}  # noqa: TID251 (npx needs all of it)


def sizes(goals: Goals) -> None:
    """The file as it is, and as a server compresses it."""
    content = PAGE.read_bytes()
    goals.tell("index.html", len(content), "bytes", 60_000)
    goals.tell("index.html, gzip -9", len(gzip.compress(content, 9)), "bytes", 21_000)


def requests(browser: Browser, goals: Goals) -> None:
    """What is fetched until the page is shown."""
    page, _ = scripted(browser, fetch=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#headline").filter(has_text="Connected").wait_for()
    others = sum("/api/" not in url and not url.startswith("data:") for url in asked)
    goals.tell("requests before the first call of the API", others, "", 1)
    page.context.close()


def lighthouse(goals: Goals, *, quick: bool) -> None:
    """The page compressed, as its server gives it, with a queue that is ready."""
    handler = functools.partial(Files, directory=str(PAGE.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reports = [_report(f"http://127.0.0.1:{server.server_port}/") for _ in range(1 if quick else 3)]
        server.shutdown()
    if None in reports:
        print("Lighthouse is not installed: npm ci in services/frontend/lint")
        return
    for name, goal in {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}.items():
        score = statistics.median(report["categories"][name]["score"] for report in reports)
        goals.tell(f"Lighthouse, {name}", score * 100, "", goal, at_least=True)
    audits = {"first-contentful-paint": 1_000, "largest-contentful-paint": 1_000, "interactive": 1_200}
    for name, goal in {**audits, "total-blocking-time": 100}.items():
        goals.tell(name, statistics.median(report["audits"][name]["numericValue"] for report in reports), "ms", goal)
    shift = statistics.median(report["audits"]["cumulative-layout-shift"]["numericValue"] for report in reports)
    goals.tell("cumulative layout shift, thousandths", shift * 1000, "", 0)


def _report(url: str) -> Any:
    if not (LINT / "node_modules/lighthouse").exists():
        return None
    flags = " ".join(["--headless=new", *CHROMIUM_ARGUMENTS])
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
