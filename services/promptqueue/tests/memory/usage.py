"""What owners have, and had of the model, in memory: counted one by one."""

from datetime import UTC, datetime
from itertools import groupby

from promptqueue.condition import BOUNDS, Histogram, Measures
from promptqueue.owners.owner import Holdings, Usage
from promptqueue.prompt import Answered, Outcome, Status
from promptqueue.stored import stored_object

from . import state
from .minutes import Minutes


class Taken(Minutes):
    def holdings(self, owner):
        own = [row for row in self._state.rows.values() if row.prompt.owner == owner]
        today = self._today()
        return Holdings(
            waiting=sum(row.waits for row in own),
            running=sum(row.prompt.status is Status.PROCESSING for row in own),
            stored_bytes=sum(row.size for row in own),
            tokens_today=sum(each.tokens for each in self._state.taken if (each.owner, each.day) == (owner, today)),
        )

    def usage(self, *, owner=None, since=None, until=None):
        names = {each.number: each.name for each in self._state.owners.values()}
        wanted = sorted(
            (each for each in self._state.taken if owner in (None, each.owner)),
            key=lambda each: (each.day, each.owner),
        )
        days = [(of, [*taken]) for of, taken in groupby(wanted, key=lambda each: (each.day, each.owner))]
        days.sort(key=lambda each: names[each[0][1]])
        days.sort(key=lambda each: each[0][0], reverse=True)
        return [
            self._usage(day, names[number], taken)
            for (day, number), taken in days
            if (since is None or day >= since) and (until is None or day <= until)
        ]

    def measures(self):
        taken = self._state.taken
        begun = [each for each in taken if each.waited is not None]
        return Measures(
            ended={outcome: sum(each.outcome is outcome for each in taken) for outcome in Outcome},
            prompt_tokens=sum(each.prompt_tokens for each in taken),
            tokens=sum(each.tokens for each in taken),
            waiting=_histogram([each.waited for each in begun]),
            running=_histogram([each.ran for each in begun]),
        )

    def _count(self, row):
        super()._count(row)
        prompt, answer = row.prompt, stored_object(row.answer) or {}
        has_begun = prompt.started_at is not None
        ran = 0.0 if row.claimed_at is None else self._clock.monotonic() - row.claimed_at
        self._work.taken.append(
            state.Taken(
                owner=prompt.owner,
                day=self._today(),
                outcome=prompt.outcome,
                prompt_tokens=Answered(record=answer, tokens=0).prompt_tokens,
                tokens=prompt.tokens or 0,
                waited=max(0.0, prompt.started_at - row.waiting_since) if has_begun else None,
                ran=ran if has_begun else 0.0,
            )
        )

    def _today(self):
        return datetime.fromtimestamp(self._clock.wall(), UTC).date().isoformat()

    def _usage(self, day, owner, taken):
        return Usage(
            day=day,
            owner=owner,
            **{outcome: sum(each.outcome is outcome for each in taken) for outcome in Outcome},
            prompt_tokens=sum(each.prompt_tokens for each in taken),
            tokens=sum(each.tokens for each in taken),
            seconds=sum(each.ran for each in taken),
        )


def _histogram(seconds):
    return Histogram(buckets={up_to: sum(each <= up_to for each in seconds) for up_to in BOUNDS}, seconds=sum(seconds))
