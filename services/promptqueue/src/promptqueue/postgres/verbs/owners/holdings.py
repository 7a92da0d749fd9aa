"""What an owner has, and whether it may have more: the verb holdings."""

from collections.abc import Collection, Mapping

from promptqueue.condition import Bounds
from promptqueue.errors import StorageFull
from promptqueue.owners.owner import Holdings, Limits
from promptqueue.owners.quota import refuse
from promptqueue.postgres.verbs import line
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.postgres.verbs.line import Line

MB, GB = 10**6, 10**9

OF_OWNER = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall, day_of(wall()) AS today)
    SELECT has.waiting, has.stored_bytes,
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
        [row] = self._database.run(OF_OWNER, owner=owner)
        return Holdings(**{name: row[name] for name in ("waiting", "running", "stored_bytes", "tokens_today")})

    def _refuse(self, sizes: Mapping[int, Collection[int]], stands: Line, bounds: Bounds) -> None:
        """Refuse more prompts, by their owners with the sizes of their texts in bytes, beyond the bounds.

        Raises QueueFull, StorageFull, QuotaExceeded. What other transactions accept at the same moment is not known to
        it, but for how many wait.
        """
        line.refuse(stands, sum(map(len, sizes.values())), bounds)
        max_stored_bytes = bounds.get("max_stored_bytes")
        if max_stored_bytes is not None and stands.bytes + sum(map(sum, sizes.values())) > max_stored_bytes:
            message = (
                f"The queue stores {_size(stands.bytes)}, and {_size(max_stored_bytes)} is the most it may: "
                "delete prompts that are done with, or wait until older ones are erased."
            )
            raise StorageFull(message)
        limits = Limits(
            waiting=bounds.get("max_waiting"),
            stored_bytes=bounds.get("max_own_bytes"),
            tokens_a_day=bounds.get("max_tokens_a_day"),
        )
        if limits == Limits():
            return
        for owner, added in sizes.items():
            waiting, stored_bytes = stands.of_owner(owner)
            if limits.tokens_a_day is not None and owner not in stands.tokens:
                [row] = self._database.look(OF_OWNER, owner=owner)
                stands.tokens[owner] = row["tokens_today"]
            tokens = stands.tokens.get(owner, 0)
            has = Holdings(waiting=waiting, running=0, stored_bytes=stored_bytes, tokens_today=tokens)
            refuse(has, added, limits, wall=stands.wall)


def _size(number: int) -> str:
    return f"{number / GB:.1f} GB" if number >= GB else f"{number / MB:.1f} MB"
