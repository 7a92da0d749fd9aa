"""One call to Ollama: read by the slot's thread, which waits for nothing else, and watched by the watcher's."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from enum import StrEnum
from typing import Any

from promptqueue.prompt import Claim

from worker.answering.answer import LONGEST, Answer, Malformed, TooMuch
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug


class Stop(StrEnum):
    """Why the worker ended a call, whatever Ollama was doing."""

    LOST = "lost"  # the claim: the prompt was cancelled or deleted, or the lease ran out
    DRAINED = "drained"  # the worker is to end


class Call:
    """What the reading and the watching thread share."""

    def __init__(self, claim: Claim, *, time_limit: float, is_left: Callable[[float], bool] | None = None) -> None:
        """Begin a call that may take `time_limit` seconds, and less where it `is_left`, having heard its last then."""
        self.claim = claim
        self.answer = Answer()
        self.plug = Plug()
        self.started_at = time.monotonic()
        self.ends_at = self.started_at + time_limit
        self.heard_at: float | None = None
        self.touched_at = self.started_at  # when its lease began anew
        self.over = threading.Event()  # set when nothing more is read
        self.unwatched = threading.Event()  # set when the watcher has let go
        self._is_left = is_left
        self._stopped: Stop | CallEnd | Exception | None = None

    @property
    def is_left(self) -> bool:
        """Whether it is to wait no longer for a server that is silent."""
        return self._is_left is not None and self._is_left(self.heard_at or self.started_at)

    @property
    def is_stopped(self) -> bool:
        """Whether it was ended from outside."""
        return self._stopped is not None

    def stop(self, reason: Stop | CallEnd | Exception) -> None:
        """End it from another thread, at once; the first reason counts."""
        self._stopped = self._stopped or reason
        self.plug.pull()

    def run(
        self, ollama: Ollama, path: str, body: Mapping[str, Any], on_text: Callable[[str, int], None]
    ) -> Stop | CallEnd:
        """Ask Ollama and read until the end; `on_text` gets each piece of text and its offset. How it ended.

        An end that came from outside counts for more than the connection that it broke, and less than an answer.
        """
        end = self._read(ollama, path, body, on_text)
        if isinstance(self._stopped, Exception):
            raise self._stopped
        return end if end.kind is EndKind.DONE else self._stopped or end

    def _read(self, ollama: Ollama, path: str, body: Mapping[str, Any], on_text: Callable[[str, int], None]) -> CallEnd:
        offset = 0
        try:
            with closing(ollama.stream(path, body, self.plug)) as records:
                for record in records:
                    self.heard_at = time.monotonic()
                    if piece := self.answer.take(record):
                        on_text(piece, offset)
                        offset += len(piece)
                    if record.get("done") is True:
                        reason = record.get("done_reason")
                        return CallEnd(
                            kind=EndKind.DONE, words=reason if isinstance(reason, str) else "", record=record
                        )
        except OllamaFailed as failed:
            return failed.end
        except Malformed:
            return CallEnd(kind=EndKind.GIBBERISH)
        except TooMuch:
            words = f"the model's answer grew longer than {LONGEST >> 20} MB"
            return CallEnd(kind=EndKind.TOO_MUCH, words=words)
        words = "most likely it repeated itself" if self.answer.repeats_itself else ""
        return CallEnd(kind=EndKind.UNFINISHED, words=words)
