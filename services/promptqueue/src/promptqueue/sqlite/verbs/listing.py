"""The verb of those who look at all prompts: newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptqueue.prompt import Outcome, Page, Status
from promptqueue.sqlite.verbs import rows
from promptqueue.sqlite.verbs.line import NEWEST_IN_LINE

if TYPE_CHECKING:
    from promptqueue.sqlite.file.database import Database
    from promptqueue.sqlite.host.clock import Clock

# Each reads its rows in their order from an index and stops. SQLite's planner may prefer to walk back through the whole
# table and pass over what does not match, which is quick until what matches is rare: hence INDEXED BY.

OF_ALL = "SELECT * FROM prompts WHERE seq < :before ORDER BY seq DESC LIMIT :limit"

IN_HAND = """
    SELECT * FROM prompts INDEXED BY prompts_in_hand
    WHERE status = 'processing' AND seq < :before ORDER BY seq DESC LIMIT :limit
"""

OF_OUTCOME = """
    SELECT * FROM prompts INDEXED BY prompts_by_outcome
    WHERE status = 'completed' AND outcome = :outcome AND seq < :before ORDER BY seq DESC LIMIT :limit
"""

COMPLETED = """
    SELECT * FROM (
        SELECT * FROM prompts INDEXED BY prompts_by_outcome
        WHERE status = 'completed' AND outcome = 'succeeded' AND seq < :before ORDER BY seq DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT * FROM prompts INDEXED BY prompts_by_outcome
        WHERE status = 'completed' AND outcome = 'failed' AND seq < :before ORDER BY seq DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT * FROM prompts INDEXED BY prompts_by_outcome
        WHERE status = 'completed' AND outcome = 'cancelled' AND seq < :before ORDER BY seq DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT * FROM prompts INDEXED BY prompts_by_outcome
        WHERE status = 'completed' AND outcome = 'expired' AND seq < :before ORDER BY seq DESC LIMIT :limit
    )
    ORDER BY seq DESC LIMIT :limit
"""

LAST_SEQ = 2**63 - 1


class ListingVerbs:
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    _database: Database
    _clock: Clock

    def newest(
        self,
        *,
        status: Status | None = None,
        outcome: Outcome | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Page:
        if outcome and status not in (None, Status.COMPLETED):
            return Page(prompts=[], next=None)  # only what is completed has an outcome
        found = self._database.run(
            OF_OUTCOME if outcome else _of_status(status),
            outcome=outcome,
            before=LAST_SEQ if before is None else before,
            limit=limit + 1,
        )
        return Page(
            prompts=[rows.prompt(row, self._clock) for row in found[:limit]],
            next=found[limit - 1]["seq"] if len(found) > limit else None,
        )


def _of_status(status: Status | None) -> str:
    match status:
        case None:
            return OF_ALL
        case Status.QUEUED:
            return NEWEST_IN_LINE
        case Status.PROCESSING:
            return IN_HAND
        case Status.COMPLETED:
            return COMPLETED
