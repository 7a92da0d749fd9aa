"""The janitor: a process of its own that recovers lost prompts, erases old texts, and bounds the journal and the file.

It looks each second at how the line stands, so that the history of the last minutes is known.

It knows nothing of Ollama and imports nothing for it, so it stays small, and works on while the worker is down.
"""

import logging
import os
import sys
import time
from collections.abc import Callable

from promptqueue import connect
from promptqueue.history import Sight
from promptqueue.logs import to_stdout
from promptqueue.settings import read_or_exit

from worker.config import Config
from worker.drain import Drain
from worker.loop import Loop
from worker.signals import Signals

RECOVER_EVERY = 1.0  # seconds
PRUNE_EVERY = 60.0  # seconds
STEP_PAUSE = 0.05  # seconds between two steps, for those who wait for the lock
LARGE_SPARE = 16 * 1024 * 1024  # bytes; less is soon used again
DAY = 24 * 3600.0  # seconds

UNRUN_AFTER = 50 * 60.0
"""Seconds: with a turn each minute the texts are gone within the hour, and until then their prompts can be retried."""

UNRUN_AGREED = 30 * 60.0
"""Seconds for which the clocks must have agreed: whatever the clock did, nothing goes that is younger than this."""

log = logging.getLogger("worker.janitor")  # run as a program, its __name__ would say nothing


def main() -> int:
    """Take care of the queue until a signal comes; the exit code."""
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    to_stdout(config.log_level)
    Janitor(config, Signals()).run()
    return 0


class Janitor(Loop):
    """Runs in the main thread, and hears the signals that end it."""

    def __init__(self, config: Config, signals: Signals) -> None:
        """Do nothing yet."""
        storage = connect(config.database_url, journal_mode=config.journal_mode)
        super().__init__("janitor", storage=storage, drain=Drain())
        self._config = config
        self._signals = signals
        self._pruned_at = float("-inf")
        self._agreement = 0.0
        self._seen: Sight | None = None

    def run(self) -> None:
        """Take care of the queue until a signal comes."""
        log.info("janitor started retention_days=%g", self._config.retention_days)
        super().run()
        log.info("janitor ended")

    def _turn(self) -> None:
        self._recover()
        self._seen = self._queue.observe(self._seen)
        if time.monotonic() - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = time.monotonic()
            self._watch_clock()
            has_written = any([self._prune(), self._erase_unrun(), self._compact()])
            self._storage.tidy(if_large=not has_written)
        self._storage_is_well()
        self._pause(RECOVER_EVERY)

    def _watch_clock(self) -> None:
        """Ask whether the clocks agree, also while nothing is to be pruned, and say it once when they begin anew."""
        agreement = self._queue.agreement()
        if agreement < self._agreement:
            log.warning("wall clock was set, pruning waits until it has kept step agreed_seconds=%.0f", agreement)
        self._agreement = agreement

    def _prune(self) -> int:
        retention = self._config.retention_days * DAY
        # Where the clocks have agreed for so long the age is right; for longer ages a day must do.
        agreed_for = min(retention, DAY)
        pruned = self._in_steps(lambda: self._queue.prune(older_than=retention, agreed_for=agreed_for))
        if pruned:
            log.info("prompts pruned number=%d", pruned)
        return pruned

    def _erase_unrun(self) -> int:
        erased = self._in_steps(lambda: self._queue.erase_unrun(older_than=UNRUN_AFTER, agreed_for=UNRUN_AGREED))
        if erased:
            log.info("texts of prompts that never ran erased number=%d", erased)
        return erased

    def _compact(self) -> int:
        """Give unused room back to the disk, unless it is so little that the next prompts will soon have taken it.

        On a disk that is nearly full what was erased is not overwritten, so there it all goes.
        """
        room = self._queue.room()
        if room.spare_bytes < LARGE_SPARE + room.stored_bytes // 4 and not room.disk_is_scarce:
            return 0
        given = self._in_steps(self._queue.compact)
        if given:
            log.info("room given back bytes=%d", given)
        return given

    def _in_steps(self, step: Callable[[], int]) -> int:
        """Do a step until there is nothing left to do or a signal comes; the sum of what they did."""
        total = 0
        while not self._drain.has_begun and (done := step()):
            total += done
            self._pause(STEP_PAUSE)
        return total

    def _pause(self, seconds: float) -> None:
        if self._signals.wait(seconds):
            self._drain.begin(0.0)


if __name__ == "__main__":
    sys.exit(main())
