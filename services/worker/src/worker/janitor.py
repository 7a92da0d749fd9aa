"""The janitor: a process of its own that recovers lost prompts, prunes old ones and bounds the journal.

It knows nothing of Ollama and imports nothing for it, so it stays small, and works on while the worker is down.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.connect import sqlite_path
from promptqueue.environment import read_or_exit
from promptqueue.errors import StorageUnavailable

from worker import logs
from worker.config import Config
from worker.signals import Signals

if TYPE_CHECKING:
    from promptqueue import PromptQueue

RECOVER_EVERY = 1.0  # seconds
PRUNE_EVERY = 60.0  # seconds
PRUNE_PAUSE = 0.05  # seconds between two steps, for those who wait for the lock
LARGE_JOURNAL = 16 * 1024 * 1024  # bytes; SQLite empties it by itself at 4 MB, unless somebody keeps reading
DAY = 24 * 3600.0  # seconds

log = logging.getLogger("worker.janitor")  # run as a program, its __name__ would tell nobody anything


def main() -> int:
    """Take care of the queue until a signal comes; the exit code."""
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    logs.to_stdout(config.log_level)
    Janitor(config, Signals()).run()
    return 0


class Janitor:
    """One loop; what it could not do for want of the storage is done in a later turn."""

    def __init__(self, config: Config, signals: Signals) -> None:
        """Do nothing yet."""
        self._config = config
        self._signals = signals
        self._queue: PromptQueue | None = None
        self._pruned_at = float("-inf")
        self._agreement = 0.0
        self._is_ending = False
        self._storage_failed = False

    def run(self) -> None:
        """Take care of the queue until a signal comes."""
        log.info("janitor started retention_days=%g", self._config.retention_days)
        while not self._is_ending:
            try:
                self._turn()
                self._storage_failed = False
            except StorageUnavailable as unavailable:
                if not self._storage_failed:
                    log.warning("storage unavailable reason=%r", str(unavailable))
                self._storage_failed = True
            self._pause(RECOVER_EVERY)
        log.info("janitor ended")

    def _turn(self) -> None:
        if self._queue is None:
            self._queue = connect(self._config.database_url, journal_mode=self._config.journal_mode)
            log.debug("storage opened")
        logs.recovered(log, self._queue.recover())
        if time.monotonic() - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = time.monotonic()
            self._watch_clock(self._queue)
            has_pruned = self._prune(self._queue)
            if has_pruned or _size(Path(f"{sqlite_path(self._config.database_url)}-wal")) > LARGE_JOURNAL:
                self._queue.checkpoint()

    def _watch_clock(self, queue: PromptQueue) -> None:
        """Ask whether the clocks agree, also while nothing is to be pruned, and say it once when they begin anew."""
        agreement = queue.agreement()
        if agreement < self._agreement:
            log.warning("wall clock was set, pruning waits until it has kept step agreed_seconds=%.0f", agreement)
        self._agreement = agreement

    def _prune(self, queue: PromptQueue) -> bool:
        retention, total = self._config.retention_days * DAY, 0
        # Clocks that have agreed for as long as that have told such an age rightly; for longer ones a day must do.
        agreed_for = min(retention, DAY)
        while not self._is_ending and (pruned := queue.prune(older_than=retention, agreed_for=agreed_for)):
            total += pruned
            self._pause(PRUNE_PAUSE)
        if total:
            log.info("prompts pruned number=%d", total)
        return total > 0

    def _pause(self, seconds: float) -> None:
        self._is_ending = self._is_ending or self._signals.wait(seconds) > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
