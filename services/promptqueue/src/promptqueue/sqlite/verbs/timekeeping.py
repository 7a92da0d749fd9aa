"""Whether the wall clock can be believed: since when it has kept step with the machine's own."""

from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs.base import Verbs

STEP = 60.0  # seconds by which the wall clock may be set without being doubted: a daemon sets it by less
DAY = 24 * 3600.0  # seconds


class Timekeeping(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def agreement(self) -> float:
        return self._agreement(self._clock.wall())

    def _was_just_set(self, wall: float) -> bool:
        """Whether the wall clock, now at `wall`, is known to have been set, or the machine started, within a day."""
        elapsed, kept = self._clock.elapsed(), self._kept()
        return kept["clock_boot"] == self._clock.boot and (
            _is_out_of_step(wall, elapsed, kept) or elapsed - float(kept["clock_since"]) < DAY
        )

    def _agreement(self, wall: float) -> float:
        """Say for how long the wall clock, now at `wall`, has kept step; begin anew where it has not."""
        elapsed = self._clock.elapsed()
        kept = self._kept()
        if kept["clock_boot"] == self._clock.boot and not _is_out_of_step(wall, elapsed, kept):
            return max(0.0, elapsed - float(kept["clock_since"]))
        with self._database.transaction(durable=False):
            self._database.run(
                "UPDATE control SET clock_boot = :boot, clock_since = :elapsed, clock_offset = :offset",
                boot=self._clock.boot,
                elapsed=elapsed,
                offset=wall - elapsed,
            )
        return 0.0

    def _kept(self) -> sqlite3.Row:
        [kept] = self._database.run("SELECT clock_boot, clock_since, clock_offset FROM control")
        return kept


def _is_out_of_step(wall: float, elapsed: float, kept: sqlite3.Row) -> bool:
    return abs(wall - elapsed - float(kept["clock_offset"])) > STEP
