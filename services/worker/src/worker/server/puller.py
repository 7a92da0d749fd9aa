"""The puller: has a server download its model, ever more seldom while that fails."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing

from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug
from worker.server.download import Download

FIRST_BACKOFF = 1.0  # seconds
LONGEST_BACKOFF = 300.0  # seconds between two downloads
LOG_EVERY = 5  # percent

log = logging.getLogger(__name__)


class Puller:
    """Downloads one model; `retry_at` says when it may try again, by the monotonic clock, and `failure` why."""

    def __init__(self, ollama: Ollama, name: str, *, is_allowed: bool = True) -> None:
        """Have tried nothing yet."""
        self._ollama = ollama
        self._name = name
        self._is_allowed = is_allowed
        self._backoff = FIRST_BACKOFF
        self._broke_off = False
        self.retry_at = 0.0
        self.retry_at_wall: float | None = None
        self.failure: str | None = None

    def bring(self, reason: str, on_percent: Callable[[int, str | None], None]) -> str | None:
        """Download the model, which `reason` makes necessary, unless that must wait.

        None when it is there now, else why it is not. `on_percent` gets each percentage and how the last try failed.
        """
        if not self._is_allowed:
            return f"{reason}, and OLLAMA_PULL is never"
        failure_before = self.failure
        if time.monotonic() >= self.retry_at and self.pull(lambda percent: on_percent(percent, failure_before)):
            return None
        return self.failure or reason

    def pull(self, on_percent: Callable[[int], None]) -> bool:
        """Download the model; whether it is there."""
        download = Download(time.monotonic())
        self._broke_off = False
        failure = self._pull(download, on_percent)
        if failure is None:
            self._backoff, self.retry_at_wall, self.failure = FIRST_BACKOFF, None, None
            return True
        if self._broke_off and download.moved:
            # The next one goes on from there. Whatever else went wrong would cost as much again each time.
            self._backoff = FIRST_BACKOFF
        self.wait(self._backoff, f"the download failed and is tried again: {failure}")
        log.warning("download failed model=%s retry_in=%d reason=%r", self._name, self._backoff, failure)
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF)
        return False

    def wait(self, seconds: float, reason: str) -> None:
        """Let nothing be downloaded for so long."""
        self.retry_at, self.retry_at_wall, self.failure = time.monotonic() + seconds, time.time() + seconds, reason

    def _pull(self, download: Download, on_percent: Callable[[int], None]) -> str | None:
        """None when the model is there, else why it is not."""
        plug, logged = Plug(), 0
        log.info("download begun model=%s", self._name)
        on_percent(0)
        try:
            with closing(self._ollama.pull(self._name, plug, patience=download.patience)) as records:
                for record in records:
                    now = time.monotonic()
                    download.take(record, now)
                    plug.patience = download.patience
                    on_percent(download.percent)
                    if download.percent >= logged + LOG_EVERY:
                        logged = download.percent - download.percent % LOG_EVERY
                        log.info("downloading model=%s percent=%d", self._name, download.percent)
                    if record.get("status") == "success":
                        log.info("download finished model=%s", self._name)
                        return None if self._ollama.lists(self._name) else "it ended well, and yet the model is missing"
                    if download.is_stalled(now):
                        return "nothing more comes"
        except OllamaFailed as failed:
            self._broke_off = _broke_off(failed.end)
            return failed.end.why_unwell
        self._broke_off = True
        return "it ended before it was done"


def _broke_off(end: CallEnd) -> bool:
    """Whether a connection broke: the worker's, or Ollama's own to the registry, which it reports in these words."""
    return end.kind is EndKind.BROKEN or bool(
        end.kind is EndKind.ERROR_LINE and re.search(r"EOF|connection reset|broken pipe|i/o timeout", end.words)
    )
