"""/api/pull: a download that takes its time, can be left and resumed, and can fail."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from .fields import load, read_fields
from .models import SMALL_LAYERS, WEIGHTS, Store, layer_digest
from .name import HOST, Name, parse_name
from .request import Request
from .settings import Settings
from .wire import Connection

BETWEEN_LINES = 0.06  # seconds, also when nothing moves
RESOLVER = "127.0.0.11:53"


class Pull:
    """One client's pull. What it has downloaded stays when the client leaves."""

    def __init__(
        self, connection: Connection, request: Request, store: Store, settings: Callable[[], Settings]
    ) -> None:
        self._connection = connection
        self._request = request
        self._store = store
        self._settings = settings

    def run(self, body: bytes) -> None:
        """Answer it.

        Raises:
            Refused: no JSON or no valid name; everything later is an `error` line.
            ClientGone: the client left.
        """
        given = read_fields(load(body), "PullRequest")
        name = parse_name(given.get("model") or given.get("name") or "")
        lines = self._lines(name, insecure=bool(given.get("insecure")))
        if given.get("stream", True):
            stream = self._connection.stream(self._request)
            for line in lines:
                stream.line(line)
            stream.end()
            return
        last: dict[str, Any] = {}
        for last in lines:  # noqa: B007 (the last one is the answer)
            pass
        failed = "error" in last
        self._connection.answer_json(self._request, 500 if failed else 200, last, content_type="application/json")

    def _lines(self, name: Name, *, insecure: bool) -> Iterator[dict[str, Any]]:
        yield {"status": "pulling manifest"}
        settings = self._settings()
        if settings.pull_error and not settings.pull_error_at:
            yield {"error": failure(settings.pull_error, name)}
            return
        if name.host != HOST:
            place = (
                f"{'http' if insecure else 'https'}://{name.host}/v2/{name.namespace}/{name.model}/manifests/{name.tag}"
            )
            yield {"error": f'pull model manifest: Get "{place}": dial tcp {name.host}: connect: connection refused'}
            return
        if name.key not in {parse_name(text).key for text in settings.registry}:
            yield {"error": "pull model manifest: file does not exist"}
            return
        yield from self._download(name)
        if self._settings().pull_error:
            yield {"error": failure(self._settings().pull_error, name)}
            return
        for short, size in SMALL_LAYERS.items():
            yield _progress(short, size, size)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        self._store.add(name)
        yield {"status": "success"}

    def _download(self, name: Name) -> Iterator[dict[str, Any]]:
        installed = self._store.find(name)
        done = self._store.partial.get(name.key, 0.0)
        if installed and not installed.is_broken:
            done = float(self._settings().pull_size)
        last = time.monotonic()
        while True:
            settings = self._settings()
            size = settings.pull_size
            goal = size * min(settings.pull_stall, settings.pull_error_at if settings.pull_error else 1.0)
            yield _progress(WEIGHTS, size, min(int(done), size))
            if done >= size or (settings.pull_error and done >= goal >= size * settings.pull_error_at):
                return
            self._connection.wait(BETWEEN_LINES)
            now = time.monotonic()
            moved = size * (now - last) / settings.pull_time if settings.pull_time else size
            done, last = max(done, min(done + moved, goal)), now
            self._store.partial[name.key] = done


def failure(kind: str, name: Name) -> str:
    """The words of an `error` line."""
    manifest = f'pull model manifest: Get "https://{HOST}/v2/{name.namespace}/{name.model}/manifests/{name.tag}": '
    match kind:
        case "no_host":
            return f"{manifest}dial tcp: lookup {HOST} on {RESOLVER}: no such host"
        case "timeout":
            return f"{manifest}dial tcp 203.0.113.1:443: i/o timeout"
        case "refused":
            return f"{manifest}dial tcp 203.0.113.1:443: connect: connection refused"
        case "server_error":
            return "503: "
        case "digest":
            wanted, found = layer_digest(WEIGHTS), layer_digest("642de7fcb000")
            return f"digest mismatch, file must be downloaded again: want {wanted}, got {found}"
        case _:
            return kind


def _progress(short: str, total: int, completed: int) -> dict[str, Any]:
    line: dict[str, Any] = {"status": f"pulling {short}", "digest": layer_digest(short), "total": total}
    return line | {"completed": completed} if completed else line
