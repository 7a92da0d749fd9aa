"""/api/pull: the model is the worker's to download, so a client that pulls it sees how far that has come."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request
from promptqueue.condition import Model, ModelState
from promptqueue.errors import StorageUnavailable

from proxy.access.asker import Asker, current
from proxy.calls.bodies import json_response, to_json
from proxy.calls.errors import CallFailed
from proxy.calls.failure import Failure, Kind
from proxy.calls.model import Served
from proxy.errors import Unauthorized
from proxy.faces.ollama import bodies, describing
from proxy.faces.ollama.reading import fields, names
from proxy.faces.ollama.writing import NDJSON, line
from proxy.meter import Kept
from proxy.parts import Parts
from proxy.serving.connection import Connection
from proxy.serving.headers import JSON

LOOK_EVERY = 1.0  # seconds
HOPE = 15.0  # seconds that a model may be missing while no worker says when that will change
UNKNOWN = "pull model manifest: file does not exist"
"""What Ollama says of a model that its registry does not have: here it has one."""
IS_STOPPING = Failure(
    kind=Kind.UNAVAILABLE,
    code="stopping",
    message="The proxy is being stopped or started anew. Pull again.",
    retry_after=5,
)
STOPPING = {"error": IS_STOPPING.message}
REFUSED = {"error": str(Unauthorized())}
HEADERS = {"X-Accel-Buffering": "no"}


def serve(routes: Blueprint, parts: Parts, served: Served) -> None:
    """Add the endpoint."""

    @routes.post("/pull")
    def pull() -> Response:
        given = bodies.fields_of(parts, fields.PULL, "PullRequest")
        model = given.get("model") or given.get("name") or ""
        names.read(model)
        streams = given.get("stream", True)
        if not served.answers(model):
            if not streams:
                raise failed(UNKNOWN)
            return Response((line(describing.MANIFEST), line({"error": UNKNOWN})), content_type=NDJSON)
        download = Download(parts, served, Connection(request.environ), current())
        if streams:
            return Response(Lines(download), headers=HEADERS, content_type=NDJSON, direct_passthrough=True)
        try:
            ended = download.wait(parts.config.whole_patience)
        except BaseException:
            download.close()
            raise
        if ended is None:
            document = Document(download, beat_every=2 * parts.config.patience)
            return Response(document, headers=HEADERS, content_type=JSON, direct_passthrough=True)
        download.close()
        if ended is STOPPING:
            raise CallFailed(IS_STOPPING)
        if ended is REFUSED:
            raise Unauthorized
        if ended != describing.SUCCESS:
            raise failed(ended.get("error", "Its client has left."))
        return json_response(ended)


def failed(message: str) -> CallFailed:
    """Say why there will be no model, to a client that has no status yet."""
    return CallFailed(Failure(kind=Kind.FAILED, code="pull_failed", message=message))


class Download:
    """What one client is told of the model's download. Its leaving changes nothing: the worker goes on."""

    def __init__(self, parts: Parts, served: Served, connection: Connection, asker: Asker) -> None:
        """Take a place. Raises TooManyStreams."""
        self.connection = connection
        self.records = self._records()
        self._parts = parts
        self._served = served
        self._left = threading.Event()
        self._is_refused = False
        self.close = parts.places.take(Kept.CALL, asker, connection, self._left.set, self._refuse)

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """Wait for the last record, which says `success` or why there is none; None when the time is over first."""
        deadline = time.monotonic() + seconds
        last: dict[str, Any] = {}
        for record in self.records:
            last = record
            is_last = record == describing.SUCCESS or "error" in record
            if not is_last and time.monotonic() >= deadline:
                return None
        return last

    def _refuse(self) -> None:
        self._is_refused = True
        self._left.set()

    def _records(self) -> Iterator[dict[str, Any]]:
        """Say each second how far it has come, until the model is there or nobody is to be told any more."""
        yield describing.MANIFEST
        missing_since = time.monotonic()
        while not self._left.is_set():
            model = self._look()
            if model and model.state is ModelState.READY:
                yield describing.SUCCESS
                return
            if self._parts.listener.is_closed:
                yield STOPPING
                return
            if model is None or model.state is not ModelState.MISSING or model.retry_at is not None:
                missing_since = time.monotonic()
            elif time.monotonic() >= missing_since + HOPE:
                yield {"error": f"{model.name} is missing: {model.detail}"}
                return
            yield describing.pulling(model) if model else describing.MANIFEST
            self._left.wait(LOOK_EVERY)
        if self._is_refused:
            yield REFUSED

    def _look(self) -> Model | None:
        """Say how it is; None while the storage cannot tell."""
        try:
            return self._served.model()
        except StorageUnavailable:
            return None


class Lines:
    """A download as a stream of records, each of them one chunk; the server closes it."""

    def __init__(self, download: Download) -> None:
        self._download = download
        self.close = download.close

    def __iter__(self) -> Iterator[bytes]:
        return map(line, self._download.records)


class Document:
    """A download as one document, with blanks before it so that its client goes on waiting; the server closes it."""

    def __init__(self, download: Download, *, beat_every: float) -> None:
        self._download = download
        self._beat_every = beat_every
        self.close = download.close

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b" "
            ended = self._download.wait(self._beat_every)
            if ended == describing.SUCCESS:
                yield to_json(ended)
            elif ended is not None:
                self._download.connection.cut()
            if ended is not None:
                return
