"""What a client can do with prompts: the endpoints behind one door of the product, and nothing that is behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.client import Client, Reply
from support.waiting import DEADLINE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.events import Event


class FrontDoor(Client):
    """A client of the product's own API."""

    def submit(self, prompt: str | None = None, *, key: str | None = None, **fields: Any) -> str:
        """Hand in a prompt; its id."""
        body = fields if prompt is None else {"prompt": prompt, **fields}
        reply = self.post("/api/v1/prompt", body, **({} if key is None else {"Idempotency-Key": key}))
        assert reply.status == 202, reply.text
        return str(reply.json["id"])

    def status(self, prompt_id: str) -> dict[str, Any]:
        return self._body(self.get(f"/api/v1/prompt/{prompt_id}/status"))

    def until_status(self, prompt_id: str, status: str, within: float = DEADLINE) -> dict[str, Any]:
        """Wait until it has this status; the status body."""

        def reached() -> dict[str, Any] | None:
            found = self.status(prompt_id)
            return found if found["status"] == status else None

        return until(reached, f"{prompt_id} is {status}", within)

    def result(self, prompt_id: str) -> Reply:
        """The answer, or that there is none, once the prompt has ended."""
        return self.get(f"/api/v1/prompt/{prompt_id}/result?wait=60")

    def answer(self, prompt_id: str) -> str:
        """The text of the answer, once there is one."""
        return str(self._body(self.result(prompt_id))["response"])

    def events_of(self, prompt_id: str, last_event_id: str | None = None) -> Iterator[Event]:
        """Follow a prompt until the stream ends."""
        return self.events(f"/api/v1/prompt/{prompt_id}/events", last_event_id)

    def cancel(self, prompt_id: str) -> dict[str, Any]:
        return self._body(self.post(f"/api/v1/prompt/{prompt_id}/cancel"))

    def queue(self) -> dict[str, Any]:
        return self._body(self.get("/api/v1/queue"))

    def _body(self, reply: Reply) -> dict[str, Any]:
        assert reply.status == 200, reply.text
        return dict(reply.json)
