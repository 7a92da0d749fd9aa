"""A request's body: read whole, within its limit, whatever its content type."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import ClientDisconnected

from proxy.connection import Connection
from proxy.errors import InvalidJSON, InvalidRequest, TooLarge

if TYPE_CHECKING:
    from typing import IO

PIECE = 256 * 1024  # bytes read at a time
IDLE = 1.0  # seconds without a byte, after which it does not send any more
DRAINED = 32 * 1024 * 1024  # bytes read beyond the limit: a client that still sends would not hear the answer


def read(limit: int) -> bytes:
    """Read the body of the current request, of at most `limit` bytes.

    Raises TooLarge; InvalidRequest for an encoded body; InvalidJSON for one that ends early, because that is none.
    """
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("identity", ""):
        _drain()
        message = "A body with a Content-Encoding is not read. Send it as it is."
        raise InvalidRequest(message, param="Content-Encoding")
    expected = request.content_length
    if expected is None:
        data = _read(limit + 1)
    else:
        data = _read(expected) if expected <= limit else b""
        if len(data) < expected <= limit:
            raise _ended_early()
    if (expected or len(data)) > limit:
        _drain()
        message = f"The body is larger than the {limit} bytes that are accepted. Send a shorter prompt."
        raise TooLarge(message)
    return data


def _read(size: int) -> bytes:
    """Read up to so many bytes, less only when there are no more."""
    data = _piece(min(size, PIECE))
    while len(data) < size and (piece := _piece(min(size - len(data), PIECE))):
        data += piece
    return data


def _drain() -> None:
    """Read on as long as the client sends; one that waits for its answer gets it now."""
    drained = 0
    with Connection(request.environ).impatient(IDLE), suppress(InvalidJSON):  # refused already, for another reason
        while drained < DRAINED and (piece := _piece(PIECE)):
            drained += len(piece)


def _piece(size: int) -> bytes:
    stream: IO[bytes] = request.stream
    try:
        return stream.read(size)
    except (ParseException, ClientDisconnected, OSError) as error:  # of Gunicorn, of Werkzeug, of the socket
        raise _ended_early() from error


def _ended_early() -> InvalidJSON:
    return InvalidJSON("The body ended before it was complete, or its chunks are malformed. Send it again.")
