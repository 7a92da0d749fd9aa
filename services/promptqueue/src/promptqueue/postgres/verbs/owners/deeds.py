"""The verbs of the audit: record, deeds."""

from promptqueue.owners.deed import Deed
from promptqueue.postgres.verbs.base import Verbs

LAST = 2**63 - 1


class DeedVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def record(self, deed: Deed) -> None:
        self._database.run(
            """
            INSERT INTO audit (at, who, what, done_to)
            VALUES (coalesce(%(at)s::double precision, wall()), %(who)s, %(what)s, %(to)s)
            """,
            at=deed.at,
            who=deed.who,
            what=deed.what,
            to=deed.to,
        )

    def deeds(self, *, limit: int, before: int | None = None) -> list[Deed]:
        found = self._database.run(
            "SELECT * FROM audit WHERE number < %(before)s ORDER BY number DESC LIMIT %(limit)s",
            before=LAST if before is None else before,
            limit=limit,
        )
        return [
            Deed(number=row["number"], at=row["at"], who=row["who"], what=row["what"], to=row["done_to"])
            for row in found
        ]
