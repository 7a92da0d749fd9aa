"""What a client can do: the proxy's endpoints, and nothing that is behind them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from processes import until


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the proxy answered; status 0 when nobody did."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class FrontDoor:
    """A client of the proxy at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        return self.call("POST", path, None if body is None else json.dumps(body).encode(), headers or {})

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path, None, {})

    def call(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=70) as response:
                return Reply(status=response.status, headers=dict(response.headers), text=response.read().decode())
        except urllib.error.HTTPError as error:
            return Reply(status=error.code, headers=dict(error.headers), text=error.read().decode())
        except (OSError, ValueError) as error:
            return Reply(status=0, headers={}, text=str(error))

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

    def cancel(self, prompt_id: str) -> dict[str, Any]:
        reply = self.post(f"/api/v1/prompt/{prompt_id}/cancel")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def queue(self) -> dict[str, Any]:
        reply = self.get("/api/v1/queue")
        assert reply.status == 200, reply.text
        return dict(reply.json)
