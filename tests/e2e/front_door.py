"""What a client can do: the endpoints behind one door of the product, and nothing that is behind them."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered; status 0 when nobody did."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A server-sent event, and when it was here (seconds of the monotonic clock)."""

    id: str
    name: str
    data: Any
    at: float


class FrontDoor:
    """A client of what is served below `url`; a certificate must be the one that is trusted."""

    def __init__(self, url: str, trusted: Path | None = None) -> None:
        self.url = url
        self.trusted = trusted

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        return self.call("POST", path, None if body is None else json.dumps(body).encode(), headers)

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path)

    def call(self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Ask over a connection of its own."""
        connection = self._connection()
        try:
            connection.request(method, urlsplit(self.url).path + path, data, headers or {})
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())
        except (OSError, http.client.HTTPException) as error:
            return Reply(status=0, headers=http.client.HTTPMessage(), body=repr(error).encode())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        server = urlsplit(self.url).netloc
        if self.trusted:
            trusting = ssl.create_default_context(cafile=self.trusted)
            return http.client.HTTPSConnection(server, timeout=70, context=trusting)
        return http.client.HTTPConnection(server, timeout=70)

    # ---- prompts ----------------------------------------------------------------------------------------------------

    def submit(self, prompt: str | None = None, *, key: str | None = None, **fields: Any) -> str:
        """Hand in a prompt; its id."""
        body = fields if prompt is None else {"prompt": prompt, **fields}
        reply = self.post("/api/v1/prompt", body, {} if key is None else {"Idempotency-Key": key})
        assert reply.status == 202, reply.text
        return str(reply.json["id"])

    def status(self, prompt_id: str) -> dict[str, Any]:
        reply = self.get(f"/api/v1/prompt/{prompt_id}/status")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def until_status(self, prompt_id: str, status: str, timeout: float = 20) -> dict[str, Any]:
        """Wait until it has this status; the status body."""

        def reached() -> dict[str, Any] | None:
            found = self.status(prompt_id)
            return found if found["status"] == status else None

        return until(reached, f"{prompt_id} is {status}", timeout)

    def result(self, prompt_id: str) -> Reply:
        """The answer, or that there is none, once the prompt has ended."""
        return self.get(f"/api/v1/prompt/{prompt_id}/result?wait=60")

    def answer(self, prompt_id: str) -> str:
        """The text of the answer, once there is one."""
        reply = self.result(prompt_id)
        assert reply.status == 200, reply.text
        return str(reply.json["response"])

    def events(self, prompt_id: str, last_event_id: str = "") -> Iterator[Event]:
        """Follow a prompt until the stream ends."""
        path = f"{urlsplit(self.url).path}/api/v1/prompt/{prompt_id}/events"
        connection = self._connection()
        try:
            connection.request("GET", path, headers={"Last-Event-ID": last_event_id})
            answer = connection.getresponse()
            assert answer.status in (200, 204), answer.read()
            fields: dict[str, str] = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields.keys() >= {"id", "event", "data"}:
                    data = json.loads(fields["data"])
                    yield Event(id=fields["id"], name=fields["event"], data=data, at=time.monotonic())
                    fields = {}
        finally:
            connection.close()

    def cancel(self, prompt_id: str) -> dict[str, Any]:
        reply = self.post(f"/api/v1/prompt/{prompt_id}/cancel")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def queue(self) -> dict[str, Any]:
        reply = self.get("/api/v1/queue")
        assert reply.status == 200, reply.text
        return dict(reply.json)
