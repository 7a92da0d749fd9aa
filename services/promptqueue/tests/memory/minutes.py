"""The last minutes in memory: each end with its moment, and each look that is to be noted."""

from promptqueue.history import Noted, Now, Sight, first_look, last_minutes, news
from promptqueue.prompt import Outcome

from .transactions import Transactions


class Minutes(Transactions):
    def history(self, minutes):
        return last_minutes(self._noted(), now=self._now(), line=self._sight(), number=minutes)

    def observe(self, seen=None):
        sight = self._sight()
        if found := news(sight, seen=seen, noted=self._noted()):
            with self.transaction():
                self._work.looks += [self._of(each, sight=each) for each in found]
        return first_look(sight, seen)

    def _count(self, row):
        """Count a prompt that has ended."""
        outcome, tokens = row.prompt.outcome, row.prompt.tokens or 0
        completed, failed = int(outcome is Outcome.SUCCEEDED), int(outcome is Outcome.FAILED)
        rested = None if self._line() else self._work.moves
        self._work.ends.append(self._of(self._now(), completed=completed, failed=failed, tokens=tokens, rested=rested))

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

    def _noted(self):
        return [*self._state.looks, *self._state.ends]

    def _of(self, when, **values):
        return Noted(boot=when.boot, began=when.began, minute=when.minute, **values)
