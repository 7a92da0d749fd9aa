"""A web page of another origin, in a real browser: without keys it can do little to others, with keys nothing."""

from __future__ import annotations

import http.server
import json
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.largest import Specification
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from simulator.client import Simulator
    from support.stack import Stack

DEPTH = 40  # prompts that may wait
ROOM = 64 * 1024 * 1024  # bytes that may be stored
SOON = 5.0  # seconds within which others are served on a busy machine; on a quiet one it is milliseconds
ROUNDS = int(os.environ.get("ROUNDS", "2"))  # in which a flood sends all it has
KINDS = 2  # of the largest right bodies, and as many wrong ones, chosen by chance
AT_ONCE = 6  # a browser's connections to one server
KEYLESS = {"/", "/healthz", "/readyz"}
"""What whoever comes is told."""

FLOOD = """
([url, bodies, atOnce]) => {
  window.sent = 0
  window.statuses = {}
  const send = async () => {
    while (!window.enough) {
      const body = bodies[window.sent++ % bodies.length]
      try {
        const reply = await fetch(`${url}/api/v1/prompt`, { method: "POST", body })
        window.statuses[reply.status] = (window.statuses[reply.status] ?? 0) + 1
      } catch { /* cut off, and again */ }
    }
  }
  for (let i = 0; i < atOnce; i++) send()
}
"""

ASK = """
async ([url, method, credentials]) => {
  try {
    const reply = await fetch(url, { method, credentials, body: method === "POST" ? "{}" : undefined })
    return [reply.status, await reply.text()]
  } catch (error) {
    return [0, error.name]
  }
}
"""


class Blank(http.server.BaseHTTPRequestHandler):
    """A page with nothing on it, of an origin of its own."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def foreign(page: Page) -> Iterator[Page]:
    """The page of another origin, open in a browser."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        page.evaluate("window.enough = true")
        server.shutdown()


@pytest.mark.ollama(text="one two three", pace=0.5)
def test_a_flooding_page_keeps_nobody_from_turn_room_or_service(
    build: Callable[..., Stack], simulator: Simulator, foreign: Page
) -> None:
    stack = build(MAX_QUEUE_DEPTH=str(DEPTH), MAX_STORED_BYTES=str(ROOM))
    stack.start()
    until(lambda: stack.queue()["model"]["state"] == "ready", "the model is ready")
    long, largest = "x" * 900_000, Specification(stack.get("/openapi.json").json).bodies()
    bodies = [
        *[json.dumps({"prompt": "flood"})] * DEPTH,
        json.dumps({"prompt": f"flood {long}", "expires_in": 1e-6}),
        *(each.data.decode() for each in random.sample([body for body in largest if body.is_right], KINDS)),
        *(each.data.decode() for each in random.sample([body for body in largest if not body.is_right], KINDS)),
    ]

    foreign.evaluate(FLOOD, [stack.url, bodies, AT_ONCE])
    until(lambda: stack.queue()["queued"] >= DEPTH // 4, "its quarter of the line is taken")
    until(lambda: "429" in foreign.evaluate("window.statuses"), "it has had enough")
    before = len(simulator.calls())
    mine, took = timed(lambda: stack.submit("mine"))
    until(lambda: foreign.evaluate("window.sent") > ROUNDS * len(bodies), "all was sent", 50 * ROUNDS)
    waits = [timed(lambda: stack.status(mine))[1] for _ in range(50)]
    answer = stack.answer(mine)
    stored = stack.queue()["stored_bytes"]

    asked = [call["body"].get("prompt", "") for call in simulator.calls()[before:]]
    assert answer
    assert asked.index("mine") <= 2  # whoever ran, and one turn of the others
    assert max(took, *waits) < SOON
    assert stack.queue()["queued"] <= DEPTH // 4 + 1
    assert stored < ROOM // 2
    assert {"202", "400", "429"} <= set(foreign.evaluate("window.statuses"))


@pytest.mark.ollama(text="short")
def test_once_there_is_a_key_a_page_of_another_origin_is_told_nothing_and_no_key_is_sent_along(
    build: Callable[..., Stack], foreign: Page
) -> None:
    stack = build()
    stack.start()
    operations = [
        (method.upper(), path.replace("{id}", "7d444840-9dc0-11d1-b245-5ffdce74fad2"))
        for path, found in stack.get("/openapi.json").json["paths"].items()
        for method in found
        if method in {"get", "post", "delete"}
    ]
    others = [("POST", "/api/generate"), ("POST", "/v1/messages"), ("GET", "/v1/models"), ("GET", "/api/tags")]
    stack.operate("keys", "add", "anna")

    def is_needed() -> bool:
        return stack.get("/api/v1/queue").status == 401

    until(is_needed, "the key is known")
    told = {
        (method, path): foreign.evaluate(ASK, [stack.url + path, method, "omit"])
        for method, path in (*operations, *others)
    }
    with_cookies = [foreign.evaluate(ASK, [stack.url + path, method, "include"]) for method, path in operations]
    preflights = [
        stack.call("OPTIONS", path, Origin="http://evil.test", Access_Control_Request_Method=method)
        for method, path in (*operations, *others)
    ]

    assert len(told) > 15
    assert {path for (_, path), (status, _) in told.items() if status == 200} <= KEYLESS
    assert {status for (_, path), (status, _) in told.items() if path not in KEYLESS} == {401}
    assert with_cookies == [[0, "TypeError"]] * len(operations)  # the browser refuses: nobody may send credentials
    assert {each.headers["Access-Control-Allow-Credentials"] for each in preflights} == {None}
    assert json.loads(told["GET", "/healthz"][1]) == {"status": "ok"}
    assert json.loads(told["GET", "/readyz"][1]).keys() <= {"ready", "error"}


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What came of it, and how many seconds it took."""
    begun = time.monotonic()
    return action(), time.monotonic() - begun
