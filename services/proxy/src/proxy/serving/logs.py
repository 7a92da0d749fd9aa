"""The log of a process that serves. No line holds a prompt's text or an Idempotency-Key."""

import logging
import sys
from contextlib import suppress
from typing import TextIO

from promptqueue import logs

from proxy.serving.concurrency import Concurrency


def to_stdout(level: str, concurrency: Concurrency) -> None:
    """Send this process's log to standard output."""
    logs.to_stdout(level, Lines(sys.stdout, concurrency))


class Lines(logging.Handler):
    """Writes the lines of requests that were served together in one go: a write for each costs as much as a commit."""

    def __init__(self, stream: TextIO, concurrency: Concurrency) -> None:
        self._stream = stream
        self._concurrency = concurrency
        self._lines: list[str] = []
        super().__init__()

    def createLock(self) -> None:  # noqa: N802 (the name that logging calls)
        """Make a lock for native threads too: one of gevent's, wanted by several, may keep them waiting for ever."""
        self.lock = self._concurrency.native.RLock()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record with the others of its moment."""
        self._lines.append(self.format(record))
        if len(self._lines) == 1:
            self._concurrency.soon(self.flush)

    def flush(self) -> None:
        """Write the lines that wait."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
        finally:
            self.release()
        if lines:
            with suppress(OSError):  # a log that nobody takes, or a full disk, costs no request and no thread
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()
