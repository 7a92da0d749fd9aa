"""A web page of another origin, in a real browser: without keys it can do little to others, with keys nothing."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from support.stack import Stack

KEYLESS = {"/", "/healthz", "/readyz"}
"""What whoever comes is told."""

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
        server.shutdown()


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
