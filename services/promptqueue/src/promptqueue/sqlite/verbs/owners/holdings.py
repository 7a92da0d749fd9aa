"""What an owner has, and whether it may have more: the verb holdings."""

from collections.abc import Collection
from datetime import UTC, datetime

from promptqueue.condition import Bounds
from promptqueue.errors import QuotaExceeded
from promptqueue.owners.owner import Holdings
from promptqueue.sqlite.verbs.base import Verbs

DAY = 24 * 3600.0  # seconds


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
        max_waiting, max_bytes = bounds.get("max_waiting"), bounds.get("max_own_bytes")
        max_tokens = bounds.get("max_tokens_a_day")
        if max_waiting is None and max_bytes is None and max_tokens is None:
            return
        has = self.holdings(owner)
        if max_waiting is not None and has.waiting + len(sizes) > max_waiting:
            message = (
                f"Of your prompts {has.waiting} wait, and {max_waiting} may: "
                "wait until one of them has been started, or cancel one."
            )
            raise QuotaExceeded(message, limit="waiting")
        if max_bytes is not None and has.stored_bytes + sum(sizes) > max_bytes:
            message = (
                f"Your prompts and answers take {has.stored_bytes:,} bytes, and {max_bytes:,} is the most "
                "they may: delete some that are done with, or wait until older ones are erased."
            )
            raise QuotaExceeded(message, limit="stored_bytes")
        if max_tokens is not None and has.tokens_today >= max_tokens:
            message = (
                f"The model wrote {has.tokens_today} tokens for you today, and {max_tokens} is the most it does in a "
                "day: ask again after midnight, UTC."
            )
            raise QuotaExceeded(message, limit="tokens_a_day", retry_after=DAY - self._clock.wall() % DAY)


def day_of(wall: float) -> str:
    """Name the day, by UTC, of a moment of the wall clock."""
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d}"
