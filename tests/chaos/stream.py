"""A prompt's stream of events, read as an EventSource does: it comes back with the last id whenever it breaks off."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from chaos.door import PATIENCE
from chaos.history import Seen, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.door import Door
    from chaos.script import Script


class Stream:
    """One reader of one prompt's events, over as many connections as it takes."""

    def __init__(self, door: Door, script: Script, prompt_id: str) -> None:
        self._door = door
        self._script = script
        self._prompt_id = prompt_id
        self._last_id: str | None = None
        self._attempt = 0
        self._text = ""

    def read(self) -> int:
        """Read until the stream ends; HTTP's status, 0 when nobody answered, 204 when the end has been told."""
        begun = now()
        connection = http.client.HTTPConnection("127.0.0.1", self._door.port, timeout=PATIENCE)
        status = 0
        try:
            headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
            connection.request("GET", f"/api/v1/prompt/{self._prompt_id}/events", headers=headers)
            answer = connection.getresponse()
            status = answer.status
            if status != 200:
                return status
            for kind, event_id, data in _events(answer):
                if event_id is not None:
                    self._last_id = event_id
                if self._take(begun, kind, data):
                    return 204
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._note(begun, "event", 0, repr(error))
        finally:
            connection.close()
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
            )
        )


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Give kind, id and data of each event that came whole."""
    kind, event_id, data = "message", None, ""
    while line := answer.readline():
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "id":
                event_id = value
            case "data":
                data += value
            case "" if not value and data:
                yield kind, event_id, json.loads(data)
                kind, event_id, data = "message", None, ""
