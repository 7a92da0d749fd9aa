"""The log: one event, one line, in fixed words, then key=value. No line holds a prompt's text or an Idempotency-Key."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from promptqueue.logs import Format

if TYPE_CHECKING:
    from typing import TextIO

    from proxy.serving.concurrency import Greenlets, Threads


def to_stdout(level: str, concurrency: Threads | Greenlets) -> None:
    """Send this process's log to standard output, in UTC."""
    handler = Lines(sys.stdout, concurrency)
    handler.setFormatter(Format())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.logThreads = logging.logMultiprocessing = False  # no line tells them


class Lines(logging.Handler):
    """Writes the lines of requests that were served together in one go: a write for each costs as much as a commit."""

    def __init__(self, stream: TextIO, concurrency: Threads | Greenlets) -> None:
        """Write to `stream`."""
        super().__init__()
        self._stream = stream
        self._concurrency = concurrency
        self._lines = concurrency.gathering(self._write)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record with the others of its moment, or at once where there are no others."""
        line = self.format(record)
        if self._concurrency.is_here():
            self._lines.put(line)
        else:
            self._write([line])

    def flush(self) -> None:
        """Write what was gathered."""
        self._lines.give()

    def _write(self, lines: list[str]) -> None:
        with suppress(OSError):  # a log that nobody takes, or a full disk, costs no request and no thread
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()
