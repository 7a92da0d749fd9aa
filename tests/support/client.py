"""A client of any server: each request over a connection of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from support.events import Follower, events_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.events import Event

PATIENCE = 70.0  # seconds; the longest that an answer is held, and some more
NOBODY = (OSError, http.client.HTTPException)
"""What is raised where nobody answers."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered; status 0 when nobody did."""

    status: int
    headers: http.client.HTTPMessage = field(default_factory=http.client.HTTPMessage)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.json["error"]["code"])


class Client:
    """Asks what is served below `url`, with these headers besides. A certificate must be the one that is trusted."""

    def __init__(
        self,
        url: str,
        trusted: Path | None = None,
        patience: float = PATIENCE,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self._headers = headers or {}
        self.trusted = trusted
        self._patience = patience

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        """Send bytes or text as they are, anything else as JSON."""
        is_written = body is None or isinstance(body, str | bytes)
        return self.call("POST", path, body if is_written else json.dumps(body), **headers)

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path)

    def call(self, method: str, path: str, body: str | bytes | None = None, **headers: str) -> Reply:
        """Ask and read the whole answer; underscores in the names of headers stand for hyphens."""
        try:
            with self.answered(method, path, body, **headers) as answer:
                return Reply(status=answer.status, headers=answer.headers, body=answer.read())
        except NOBODY as error:
            return Reply(status=0, body=repr(error).encode())

    @contextlib.contextmanager
    def answered(
        self, method: str, path: str, body: str | bytes | None = None, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask, and read as much of the answer as is wanted before the connection is closed."""
        connection = self.connection()
        try:
            yield self._asked(connection, method, path, body, headers)
        finally:
            connection.close()

    def events(self, path: str, last_event_id: str | None = None) -> Iterator[Event]:
        """Read a stream of events until it ends."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        with self.answered("GET", path, **headers) as answer:
            assert answer.status in (200, 204), answer.read()
            yield from events_in(answer)

    def follow(self, path: str, **headers: str) -> Follower:
        """Follow a stream of events in a thread."""
        connection = self.connection()
        answer = self._asked(connection, "GET", path, None, headers)
        assert answer.status == 200, answer.read()
        return Follower(events_in(answer), connection.close)

    def connection(self) -> http.client.HTTPConnection:
        """Make a connection to the server."""
        server = urlsplit(self.url).netloc
        if self.trusted:
            trusting = ssl.create_default_context(cafile=self.trusted)
            return http.client.HTTPSConnection(server, timeout=self._patience, context=trusting)
        return http.client.HTTPConnection(server, timeout=self._patience)

    def _asked(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: str | bytes | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items()}
        connection.request(method, urlsplit(self.url).path + path, body, named)
        return connection.getresponse()
