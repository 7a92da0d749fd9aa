"""The last minutes in memory: each end with its moment, and each look that is to be noted."""

from promptqueue.history import Noted, Now, Sight, first_look, last_minutes, news
from promptqueue.prompt import Outcome

from .transactions import Transactions


class Minutes(Transactions):
    def history(self, minutes):
        noted = [*self._state.ends, *(self._noted(sight, sight=sight) for sight in self._state.sights)]
        return last_minutes(noted, now=self._now(), line=self._sight(), number=minutes)

    def observe(self, seen=None):
        sight = self._sight()
        if found := news(sight, seen=seen, noted=self._state.sights[-1] if self._state.sights else None):
            with self.transaction():
                self._work.sights += found
        return first_look(sight, seen)

    def _count(self, row):
        """Count a prompt that has ended."""
        outcome, tokens = row.prompt.outcome, row.prompt.tokens or 0
        completed, failed = int(outcome is Outcome.SUCCEEDED), int(outcome is Outcome.FAILED)
        self._work.ends.append(self._noted(self._now(), completed=completed, failed=failed, tokens=tokens))

    def _sight(self):
        now, waiting = self._now(), [row.waiting_since for row in self._line()]
        return Sight(
            boot=now.boot,
            began=now.began,
            minute=now.minute,
            moves=self._state.moves,
            queued=len(waiting),
            oldest_wait_seconds=max(0.0, now.wall - min(waiting)) if waiting else None,
        )

    def _now(self):
        return Now(boot=self._clock.boot, wall=self._clock.wall(), elapsed=self._clock.elapsed())

    def _noted(self, when, **values):
        return Noted(boot=when.boot, began=when.began, minute=when.minute, **values)
