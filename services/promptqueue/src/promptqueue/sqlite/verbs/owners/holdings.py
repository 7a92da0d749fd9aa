"""What an owner has, and whether it may have more: the verb holdings."""

from collections.abc import Collection
from datetime import UTC, datetime

from promptqueue.condition import Bounds
from promptqueue.owners.owner import Holdings, Limits
from promptqueue.owners.quota import refuse
from promptqueue.sqlite.verbs.base import Verbs


class HoldingVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def holdings(self, owner: int) -> Holdings:
        [row] = self._database.run(
            """
            SELECT (SELECT sum(waiting) FROM turns
                    WHERE priority IN ('interactive', 'batch') AND owner = :owner) AS waiting,
                   (SELECT running FROM owners WHERE owner = :owner) AS running,
                   (SELECT stored_bytes FROM owners WHERE owner = :owner) AS stored_bytes,
                   (SELECT tokens FROM usage WHERE owner = :owner AND day = :day) AS tokens_today
            """,
            owner=owner,
            day=day_of(self._clock.wall()),
        )
        return Holdings(
            waiting=row["waiting"] or 0,
            running=row["running"] or 0,
            stored_bytes=row["stored_bytes"] or 0,
            tokens_today=row["tokens_today"] or 0,
        )

    def _refuse_owner(self, owner: int, sizes: Collection[int], bounds: Bounds) -> None:
        """Refuse more prompts of an owner, with texts of these sizes in bytes, beyond the bounds. Raises QuotaExceeded.

        It is asked inside the transaction that would store them, of which there is one at a time.
        """
        limits = Limits(
            waiting=bounds.get("max_waiting"),
            stored_bytes=bounds.get("max_own_bytes"),
            tokens_a_day=bounds.get("max_tokens_a_day"),
        )
        if limits != Limits():
            refuse(self.holdings(owner), sizes, limits, wall=self._clock.wall())


def day_of(wall: float) -> str:
    """Name the day, by UTC, of a moment of the wall clock."""
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d}"
