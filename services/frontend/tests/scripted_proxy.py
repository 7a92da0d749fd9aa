"""The proxy's side of the HTTP contract, answered by a script instead of a queue."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from playwright.sync_api import Page, Request, Route

PAGE = Path(__file__).parents[1] / "index.html"
ORIGIN = "http://proxy.test"  # plain http and not localhost: no secure context, as on most networks

Answer = tuple[int, dict[str, Any]] | tuple[int, dict[str, Any], dict[str, str]]

READY: dict[str, Any] = {
    "queued": 2, "processing": 1, "oldest_wait_seconds": 3.0, "completed_per_minute": 4, "paused": False, "workers": 1,
    "model": {"name": "llama3.2", "state": "ready", "percent": None, "processor": "cpu", "detail": None,
              "retry_at": None},
    "stored_bytes": 102400,
    "limits": {"max_prompt_bytes": 1048576, "max_queue_depth": 10000, "max_streams": 5000,
               "max_stored_bytes": 4294967296, "min_free_bytes": 536870912},
}  # fmt: skip


def status(prompt_id: str, name: str = "queued", **facts: Any) -> dict[str, Any]:
    """A status body; what a test does not care about is null."""
    fields = (
        "outcome",
        "position",
        "eta_seconds",
        "tokens",
        "created_at",
        "started_at",
        "completed_at",
        "error",
        "last_error",
        "metadata",
    )
    return {"id": prompt_id, "status": name, **dict.fromkeys(fields), "attempt": 0, **facts}


def succeeded(prompt_id: str, **facts: Any) -> dict[str, Any]:
    return status(prompt_id, "completed", outcome="succeeded", attempt=1, **facts)


def ended(prompt_id: str, outcome: str, message: str, **facts: Any) -> dict[str, Any]:
    error = {"code": outcome, "message": message, "retryable": True}
    return status(prompt_id, "completed", outcome=outcome, attempt=1, error=error, **facts)


def refusal(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": "error", "param": None}}


@dataclass
class ScriptedProxy:
    """Each list of answers is used up one by one; its last answer stays. A queue that is text is a foreign page."""

    page: Page
    queue: dict[str, Any] | str | Answer = field(default_factory=lambda: READY)
    submits: list[Answer] = field(default_factory=list)
    statuses: dict[str, list[Answer]] = field(default_factory=dict)
    results: dict[str, list[Answer]] = field(default_factory=dict)
    cancels: dict[str, list[Answer]] = field(default_factory=dict)
    deletions: dict[str, list[Answer]] = field(default_factory=dict)
    retries: dict[str, list[Answer]] = field(default_factory=dict)
    wholes: dict[str, list[Answer]] = field(default_factory=dict)
    known: dict[str, Answer] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)  # none: everybody may ask
    listed: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    requests: list[Request] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    strangers: list[str] = field(default_factory=list)

    def open(self, query: str = "", login: str = "") -> None:
        self.page.context.route("**/*", self._route)
        self.page.goto(f"{ORIGIN}/{query}".replace("//", f"//{login}", 1))

    def accept(self, *ids: str, live: bool = False) -> None:
        """Accept the next prompts under these ids; of those that are `live` there are event streams."""
        for x in ids:
            links = {"events": f"/api/v1/prompt/{x}/events"} if live else {}
            self.submits.append((202, {"id": x, "status": "queued", "position": 1, "links": links}))

    def answer(self, prompt_id: str, text: str, **facts: Any) -> None:
        """The prompt is completed at the next look, with `text`."""
        self.statuses[prompt_id] = [(200, succeeded(prompt_id, **facts))]
        record = {"response": text, "done_reason": "stop"}
        self.results[prompt_id] = [(200, {**succeeded(prompt_id), **record})]
        request = {"prompt": "What was asked"}
        self.wholes[prompt_id] = [(200, {**succeeded(prompt_id, **facts), "request": request, "answer": record})]

    def end(self, prompt_id: str, outcome: str, message: str, partial: str | None = None) -> None:
        """The prompt is over at the next look, without an answer."""
        body = ended(prompt_id, outcome, message)
        self.statuses[prompt_id] = [(200, body)]
        self.results[prompt_id] = [(410, {**body, "partial": partial})]
        self.wholes[prompt_id] = [(200, {**body, "request": {"prompt": "What was asked"}, "answer": None})]

    def posts(self) -> list[Request]:
        return [x for x in self.requests if x.method == "POST" and x.url.endswith("/prompt")]

    def keys(self) -> list[str]:
        return [x.headers["idempotency-key"] for x in self.posts()]

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(x.post_data or "") for x in self.posts()]

    def prompts(self) -> list[str]:
        return [body["prompt"] for body in self.bodies()]

    def _route(self, route: Route) -> None:
        request = route.request
        if not re.match(rf"{ORIGIN}/".replace("//", "//([^/]+@)?", 1), request.url):
            self.strangers.append(request.url)
            route.abort()
        elif "/api/v1/" not in request.url:
            route.fulfill(body=PAGE.read_bytes(), content_type="text/html; charset=utf-8")
        elif isinstance(self.queue, str):
            route.fulfill(body=self.queue, content_type="text/html")
        elif self.down:
            self.requests.append(request)
            self.refused.add(request.url)
            route.abort()
        elif self.secrets and request.headers.get("authorization", "").removeprefix("Bearer ") not in self.secrets:
            self.requests.append(request)
            self._fulfill(route, 401, refusal("unauthorized", "This needs an API key."))
        elif "/api/v1/events?id=" in request.url:
            self.requests.append(request)
            self._tell_what_had_come(route, request.url.rpartition("=")[2])
        else:
            self.requests.append(request)
            self._fulfill(route, *self._answer(request.method, request.url.split("/api/v1/")[1], request.headers))

    def _answer(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        match [method, *path.partition("?")[0].split("/")]:
            case ["GET", "queue"] if not isinstance(self.queue, str):
                return self.queue if isinstance(self.queue, tuple) else (200, self.queue)
            case ["POST", "queue", "pause" | "resume" as act] if isinstance(self.queue, dict):
                self.queue = {**self.queue, "paused": act == "pause"}
                return 200, {"paused": act == "pause"}
            case ["GET", "prompts" | "usage" as what]:
                page = self._page(dict(parse_qsl(path.partition("?")[2])))
                return 200, page if what == "prompts" else {"days": self.days}
            case ["POST", "prompt"]:
                return self._accepted(headers["idempotency-key"])
            case ["GET", "prompt", prompt_id, "status"]:
                return _next(self.statuses.setdefault(prompt_id, [(200, status(prompt_id, position=1))]))
            case [_, "prompt", prompt_id, *what]:
                return _next(self._scripted(method, *what)[prompt_id])
        raise AssertionError(f"not in the contract: {method} {path}")

    def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        """Fifty of the list, which begin after the cursor; a cursor is a number."""
        found = [
            x
            for x in self.listed
            if asked.get("status", x["status"]) == x["status"] and asked.get("owner", x["owner"]) == x["owner"]
        ]
        begin = int(asked.get("before", 0))
        return {"prompts": found[begin : begin + 50], "next": str(begin + 50) if len(found) > begin + 50 else None}

    def _scripted(self, *asked: str) -> dict[str, list[Answer]]:
        return {
            ("GET", "result"): self.results,
            ("GET",): self.wholes,
            ("POST", "retry"): self.retries,
            ("POST", "cancel"): self.cancels,
            ("DELETE",): self.deletions,
        }[asked]

    def _tell_what_had_come(self, route: Route, prompt_id: str) -> None:
        """The events of a prompt that is over: its text, and its end."""
        code, body, *_ = self.results[prompt_id][0]
        if code == 404:
            self._fulfill(route, code, body)
            return
        token = {"id": prompt_id, "attempt": 1, "text": body.get("partial") or ""}
        events = [("token", token), ("completed", body)]
        text = "".join(f"event: {event}\ndata: {json.dumps(data)}\n\n" for event, data in events)
        route.fulfill(body=text, content_type="text/event-stream")

    def _accepted(self, key: str) -> Answer:
        if key not in self.known:
            answer = _next(self.submits)
            if answer[0] != 202:
                return answer
            self.known[key] = answer
        return self.known[key]

    def _fulfill(self, route: Route, code: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        if code >= 400:
            self.refused.add(route.request.url)
        route.fulfill(status=code, json=body, headers=headers)


def _next(answers: list[Answer]) -> Answer:
    return answers.pop(0) if len(answers) > 1 else answers[0]
