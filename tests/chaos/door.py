"""The product's front door, as one client uses it: each answer goes into the history, and no answer is one too."""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

from support.client import Client

from chaos.history import Seen, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.history import History
    from chaos.owners import Cast
    from chaos.script import Script

PATIENCE = 8.0  # seconds for an answer, held ones included
HELD = 3  # seconds that an answer is held at most


class Door:
    """Notes each request and its answer."""

    def __init__(self, ports: Sequence[int], history: History, cast: Cast) -> None:
        """Use the product at these ports, each in its turn."""
        self._clients = cycle([Client(f"http://127.0.0.1:{port}", patience=PATIENCE) for port in ports])
        self.history = history
        self.cast = cast

    @property
    def client(self) -> Client:
        """Who asks next."""
        return next(self._clients)

    def submit(self, script: Script) -> Seen:
        key = self.cast.idempotency_key(script)
        return self._ask(script, None, "submit", "POST", "/api/v1/prompt", script.body, Idempotency_Key=key)

    def status(self, script: Script, prompt_id: str, query: str = "") -> Seen:
        return self._ask(script, prompt_id, "status", "GET", f"/api/v1/prompt/{prompt_id}/status{query}")

    def result(self, script: Script, prompt_id: str, query: str = "") -> Seen:
        return self._ask(script, prompt_id, "result", "GET", f"/api/v1/prompt/{prompt_id}/result{query}")

    def cancel(self, script: Script, prompt_id: str) -> Seen:
        return self._ask(script, prompt_id, "cancel", "POST", f"/api/v1/prompt/{prompt_id}/cancel")

    def retry(self, script: Script, prompt_id: str) -> Seen:
        return self._ask(script, prompt_id, "retry", "POST", f"/api/v1/prompt/{prompt_id}/retry")

    def delete(self, script: Script, prompt_id: str) -> Seen:
        # Said before it is sent: from now on it may be gone, whether or not an answer ever comes.
        moment = now()
        self.history.add(
            Seen(
                begun=moment,
                ended=moment,
                what="deleting",
                script=script.name,
                prompt_id=prompt_id,
                status=0,
                body=None,
            )
        )
        return self._ask(script, prompt_id, "delete", "DELETE", f"/api/v1/prompt/{prompt_id}")

    def _ask(
        self,
        script: Script,
        prompt_id: str | None,
        what: str,
        method: str,
        path: str,
        body: Any = None,
        **headers: str,
    ) -> Seen:
        key = self.cast.key_of(script.client)
        begun = now()
        sent = None if body is None else json.dumps(body)
        reply = self.client.call(method, path, sent, **headers, **key.headers)
        told = read(reply.body)
        if prompt_id is None and reply.status == 202:
            prompt_id = told["id"]
        seen = Seen(
            begun=begun,
            ended=now(),
            what=what,
            script=script.name,
            prompt_id=prompt_id,
            status=reply.status,
            body=told,
            owner=key.owner,
            key=key.name,
        )
        self.history.add(seen)
        return seen


def read(body: bytes) -> Any:
    """Give what a body says; its text where it is no JSON."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
