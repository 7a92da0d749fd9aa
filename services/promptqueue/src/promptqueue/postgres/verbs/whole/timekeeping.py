"""Whether the server's wall clock can be believed: since when it has kept step with this machine's own."""

from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs

STEP = 60.0  # seconds by which the wall clock may be set without being doubted: a daemon sets it by less
DAY = 24 * 3600.0  # seconds


class Timekeeping(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def agreement(self) -> float:
        elapsed, kept = self._database.machine.elapsed(), self._kept()
        if kept["since"] is not None and not _is_out_of_step(elapsed, kept):
            return max(0.0, elapsed - float(kept["since"]))
        self._database.run_relaxed(
            """
            INSERT INTO clocks (boot, since, ahead) VALUES (%(boot)s, %(elapsed)s, %(ahead)s)
            ON CONFLICT (boot) DO UPDATE SET since = excluded.since, ahead = excluded.ahead
            """,
            boot=self._database.machine.boot,
            elapsed=elapsed,
            ahead=float(kept["wall"]) - elapsed,
        )
        return 0.0

    def _was_just_set(self) -> bool:
        """Whether the wall clock is known to have been set, or this machine started, within a day."""
        elapsed, kept = self._database.machine.elapsed(), self._kept()
        return kept["since"] is not None and (_is_out_of_step(elapsed, kept) or elapsed - float(kept["since"]) < DAY)

    def _kept(self) -> Row:
        [kept] = self._database.run(
            "SELECT wall() AS wall, since, ahead FROM control LEFT JOIN clocks ON boot = %(boot)s",
            boot=self._database.machine.boot,
        )
        return kept


def _is_out_of_step(elapsed: float, kept: Row) -> bool:
    return abs(float(kept["wall"]) - elapsed - float(kept["ahead"])) > STEP
