"""A request's body: read whole, within its limit, whatever its content type."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from flask import request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import ClientDisconnected

from proxy.errors import Busy, InvalidJSON, InvalidRequest, TooLarge
from proxy.serving.connection import Connection, network
from proxy.serving.room import Place, Room

PIECE = 256 * 1024  # bytes read at a time
# Fewer where the length is not known beforehand: Gunicorn holds a piece that has come in part, which no room counts.
SMALL_PIECE = 16 * 1024
SILENCE = 75.0  # seconds without a byte, after which a body is given up; the gevent worker also holds it to a pace
IDLE = 1.0  # seconds without a byte, after which a refused client is taken to wait for its answer
DRAINED = 32 * 1024 * 1024  # bytes read of a refused body: a client that still sends would not see the answer


@contextmanager
def reading(limit: int, room: Room) -> Iterator[bytes]:
    """Read the body of the current request, of at most `limit` bytes, which count in `room` until the block ends.

    Raises TooLarge, Busy before anything is read, InvalidRequest for an encoded body, InvalidJSON for one cut short.
    """
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("identity", ""):
        _drain()
        message = "A body with a Content-Encoding is not read. Send it as it is."
        raise InvalidRequest(message, param="Content-Encoding")
    with ExitStack() as taken:
        try:
            place = taken.enter_context(room.place(network(request.remote_addr or "")))
            with Connection(request.environ).impatient(SILENCE):
                data = _whole(limit, place)
        except (TooLarge, Busy):
            taken.close()
            _drain()
            raise
        yield data


def _whole(limit: int, place: Place) -> bytes:
    expected = request.content_length
    if expected is None:
        return b"".join(_chunks(limit, place))
    if expected > limit:
        raise _too_large(limit)
    place.grow(expected)
    data = b"".join(_pieces(expected))
    if len(data) < expected:
        raise _ended_early()
    return data


def _chunks(limit: int, place: Place) -> Iterator[bytes]:
    """Read to the end of a body of unknown length."""
    left = limit
    place.grow(SMALL_PIECE)
    while piece := _piece(SMALL_PIECE):
        left -= len(piece)
        if left < 0:
            raise _too_large(limit)
        yield piece
        place.grow(SMALL_PIECE)


def _pieces(size: int) -> Iterator[bytes]:
    """Read so many bytes, fewer only if the body ends early."""
    while size and (piece := _piece(min(size, PIECE))):
        yield piece
        size -= len(piece)


def _drain() -> None:
    """Read what a refused client sends, until it waits for its answer."""
    drained = 0
    with Connection(request.environ).impatient(IDLE), suppress(InvalidJSON):  # it is refused already
        while drained < DRAINED and (piece := _piece(SMALL_PIECE)):
            drained += len(piece)


def _piece(size: int) -> bytes:
    stream: IO[bytes] = request.stream
    try:
        return stream.read(size)
    except (ParseException, ClientDisconnected, OSError) as error:  # of Gunicorn, of Werkzeug, of the socket
        raise _ended_early() from error


def _ended_early() -> InvalidJSON:
    return InvalidJSON("The body ended before it was complete, or its chunks are malformed. Send it again.")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {limit} bytes that are accepted. Send a shorter prompt.")
