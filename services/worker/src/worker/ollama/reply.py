"""Ollama's reply, read as it comes, and never further than its limit."""

import contextlib
import time
from collections.abc import Generator, Mapping
from email.utils import parsedate_to_datetime
from threading import Timer

from requests import Response

from worker.ollama import record
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.plug import Plug

READ_SIZE = 64 * 1024  # bytes; at most: what has come is handed on at once
LONGEST_LINE = 10 * 1024 * 1024  # bytes; Ollama's own clients allow 8 MB
LONGEST_BODY = 4 * 1024 * 1024  # bytes of what answers a question, or says why there is no answer
ERROR_TIMEOUT = 10.0  # seconds until an error must be there whole; Ollama's come in one piece
LONGEST_RETRY_AFTER = 60.0  # seconds


class Reply:
    """A reply whose head has come; its body is read as lines, as a whole, or as an error."""

    def __init__(self, response: Response, plug: Plug) -> None:
        """Read nothing yet."""
        self._response = response
        self._plug = plug

    def lines(self) -> Generator[bytes]:
        """Yield each line as soon as it has come, however the body is delimited. Raises OllamaFailed.

        `Response.iter_lines` waits for its chunk size, or for the end, unless the body is chunked. Ollama's is; that of
        something in between may not be. On bytes: as text, it would also split at separators that Ollama leaves in.
        """
        begun = bytearray()
        for piece in self._pieces():
            *ended, rest = piece.split(b"\n")
            for line in ended:
                yield bytes(begun + line)
                begun.clear()
            begun += rest
            if len(begun) > LONGEST_LINE:
                words = f"the model server sent a line of more than {LONGEST_LINE >> 20} MB"
                raise OllamaFailed(CallEnd(kind=EndKind.TOO_MUCH, words=words))
        yield bytes(begun)

    def body(self) -> bytes:
        """Give the whole body. Raises OllamaFailed."""
        whole = bytearray()
        for piece in self._pieces():
            whole += piece
            if len(whole) > LONGEST_BODY:
                raise OllamaFailed(CallEnd(kind=EndKind.GIBBERISH))
        return bytes(whole)

    def rejection(self, elsewhere: str) -> CallEnd:
        """Give the end that a status other than 200 means; with words only where they are an error in JSON."""
        status, wish = self._response.status_code, _retry_after(self._response.headers)
        if status // 100 == 3:  # noqa: PLR2004 (HTTP's own number)
            return CallEnd(kind=EndKind.REDIRECTED, status=status, words=elsewhere, retry_after=wish)
        late = Timer(ERROR_TIMEOUT, self._plug.pull)
        late.daemon = True
        late.start()
        error = None
        with contextlib.suppress(Exception):  # what cannot be read is reported by its status alone
            error = _error(self.body())
        late.cancel()
        words, in_json = "" if error is None else record.kept(error), isinstance(error, str)
        return CallEnd(kind=EndKind.REJECTED, status=status, words=words, in_json=in_json, retry_after=wish)

    def _pieces(self) -> Generator[bytes]:
        raw, coding = self._response.raw, self._response.headers.get("Content-Encoding", "identity")
        if coding.strip().lower() not in ("", "identity"):
            # Not decoded: a few bytes can become any number.
            words = "the model server, or what stands before it, compresses what is asked for as it is"
            raise OllamaFailed(CallEnd(kind=EndKind.GIBBERISH, words=words))
        if raw.chunked:
            yield from raw.read_chunked(READ_SIZE, decode_content=False)  # chunk by chunk, and at less cost
        else:
            while piece := raw.read1(READ_SIZE, decode_content=False):
                yield piece


def _error(body: bytes) -> object:
    match record.loads(body):
        case {"error": error}:
            return error
        case {"detail": detail}:
            return {"detail": detail}  # FastAPI's, and so never Ollama's own
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long the server wants to be left alone: seconds, or a date of its own clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:10])
    else:
        try:
            until = parsedate_to_datetime(value).timestamp()
        except (ValueError, OverflowError):
            return None
        try:
            seconds = until - parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except (ValueError, OverflowError):
            seconds = until - time.time()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)
