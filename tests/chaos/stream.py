"""A prompt's stream of events, read as an EventSource does: it comes back with the last id whenever it breaks off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.client import NOBODY
from support.events import events_in

from chaos.history import Seen, now
from chaos.owners import NO_KEY

if TYPE_CHECKING:
    from chaos.door import Door
    from chaos.script import Script


class Stream:
    """One reader of one prompt's events, over as many connections as it takes."""

    def __init__(self, door: Door, script: Script, prompt_id: str) -> None:
        self._door = door
        self._script = script
        self._prompt_id = prompt_id
        self._key = NO_KEY
        self._last_id: str | None = None
        self._attempt = 0
        self._text = ""

    def read(self) -> int:
        """Read until the stream ends; HTTP's status, 0 when nobody answered, 204 when the end has been told."""
        self._key = self._door.cast.key_of(self._script.client)
        begun = now()
        status = 0
        headers = self._key.headers | ({} if self._last_id is None else {"Last-Event-ID": self._last_id})
        try:
            with self._door.client.answered("GET", f"/api/v1/prompt/{self._prompt_id}/events", **headers) as answer:
                status = answer.status
                for event in events_in(answer) if status == 200 else ():
                    self._last_id = event.id or self._last_id  # a comment has none
                    if self._take(begun, event.kind, event.data):
                        return 204
        except (*NOBODY, ValueError) as error:
            self._note(begun, "event", 0, repr(error))
        return status

    def _take(self, begun: float, kind: str, data: dict[str, Any]) -> bool:
        match kind:
            case "token":
                if data["attempt"] != self._attempt:
                    self._attempt, self._text = data["attempt"], ""
                self._text += data["text"]
            case "status":
                self._note(begun, "event", 200, data)
            case "completed":
                self._note(begun, "event", 200, data)
                self._note(begun, "streamed", 200, {"of_attempt": self._attempt, "text": self._text})
                return True
        return False

    def _note(self, begun: float, what: str, status: int, body: Any) -> None:
        self._door.history.add(
            Seen(
                begun=begun,
                ended=now(),
                what=what,
                script=self._script.name,
                prompt_id=self._prompt_id,
                status=status,
                body=body,
                owner=self._key.owner,
                key=self._key.name,
            )
        )
