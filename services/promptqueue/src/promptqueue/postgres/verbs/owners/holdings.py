"""What an owner has, and whether it may have more: the verb holdings."""

from collections.abc import Collection

from promptqueue.condition import Bounds
from promptqueue.owners.owner import Holdings, Limits
from promptqueue.owners.quota import refuse
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs

OF_OWNER = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall, day_of(wall()) AS today)
    SELECT clock.wall, has.waiting, has.stored_bytes,
           (SELECT count(*) FROM line WHERE status = 'processing' AND owner = %(owner)s) AS running,
           (SELECT coalesce(sum(tokens), 0)::bigint FROM (
                SELECT tokens FROM usage WHERE owner = %(owner)s AND day = clock.today
                UNION ALL
                SELECT tokens FROM endings WHERE owner = %(owner)s AND day = clock.today
            ) AS today) AS tokens_today
    FROM clock, (
        SELECT coalesce(sum(prompts), 0)::bigint AS waiting, coalesce(sum(bytes), 0)::bigint AS stored_bytes
        FROM counted WHERE lane IN (0, 1) AND owner = %(owner)s
    ) AS has
"""


class HoldingVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def holdings(self, owner: int) -> Holdings:
        return _holdings(self._has(owner))

    def _refuse_owner(self, owner: int, sizes: Collection[int], bounds: Bounds) -> None:
        """Refuse more prompts of an owner, with texts of these sizes in bytes, beyond the bounds. Raises QuotaExceeded.

        What other transactions accept at the same moment is not known to it.
        """
        limits = Limits(
            waiting=bounds.get("max_waiting"),
            stored_bytes=bounds.get("max_own_bytes"),
            tokens_a_day=bounds.get("max_tokens_a_day"),
        )
        if limits != Limits():
            row = self._has(owner)
            refuse(_holdings(row), sizes, limits, wall=row["wall"])

    def _has(self, owner: int) -> Row:
        [row] = self._database.run(OF_OWNER, owner=owner)
        return row


def _holdings(row: Row) -> Holdings:
    return Holdings(**{name: row[name] for name in ("waiting", "running", "stored_bytes", "tokens_today")})
