"""The verb that lists prompts, of all owners or of one: newest."""

from collections.abc import Iterator
from math import inf
from typing import Unpack

from promptqueue.prompt import Outcome, Page, Priority, Prompt, Status, Wanted
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import line, rows
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.stored import has_key

LAST_NUMBER = 2**63 - 1
LOOKED_AT = 2_000  # prompts at which one page looks at most
AT_ONCE = 500  # that one statement reads where some may be passed over


def _newest(where: str, index: str) -> str:
    # It reads its rows in order from an index and stops. SQLite's planner might rather walk back through the whole
    # table and pass over what does not match, which is quick until what matches is rare: hence INDEXED BY.
    return f"""
        SELECT * FROM prompts INDEXED BY {index} WHERE {where} AND seq < :before ORDER BY seq DESC LIMIT :limit
    """  # noqa: S608 (it is our own)


OF_ALL = "SELECT * FROM prompts WHERE seq < :before ORDER BY seq DESC LIMIT :limit"
IN_HAND = _newest("status = 'processing'", "prompts_in_hand")
OF_OUTCOME = {each: _newest(f"status = 'completed' AND outcome = '{each}'", "prompts_by_outcome") for each in Outcome}
OF_ANYBODY = {
    None: OF_ALL,
    Status.QUEUED: line.NEWEST_IN_LINE,
    Status.PROCESSING: IN_HAND,
    Status.COMPLETED: rows.newest_of(OF_OUTCOME.values()),
}

OWN_IN_LINE = [
    _newest(f"status = 'queued' AND priority = '{lane}' AND owner = :owner", "prompts_in_line") for lane in Priority
]
OWN_IN_HAND = _newest("status = 'processing' AND owner = :owner", "prompts_in_hand")
OWN_OF_OUTCOME = {
    each: _newest(f"status = 'completed' AND owner = :owner AND outcome = '{each}'", "prompts_of_owner")
    for each in Outcome
}
OF_OWNER = {
    None: rows.newest_of([*OWN_IN_LINE, OWN_IN_HAND, *OWN_OF_OUTCOME.values()]),
    Status.QUEUED: rows.newest_of(OWN_IN_LINE),
    Status.PROCESSING: OWN_IN_HAND,
    Status.COMPLETED: rows.newest_of(OWN_OF_OUTCOME.values()),
}


class ListVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def newest(self, *, limit: int = 50, before: int | None = None, **wanted: Unpack[Wanted]) -> Page:
        found: list[Prompt] = []
        end = None
        at_once = limit + 1
        if any(wanted.get(name) is not None for name in ("since", "until", "metadata_key")):
            at_once = max(at_once, AT_ONCE)
        for looked_at, row in enumerate(self._walk(wanted, before, at_once), 1):
            if _matches(row, wanted):
                if len(found) == limit:
                    return Page(prompts=found, next=end)
                found.append(rows.prompt(row, self._clock))
                end = row["seq"]
            if looked_at == LOOKED_AT:
                return Page(prompts=found, next=row["seq"])
        return Page(prompts=found, next=None)

    def _walk(self, wanted: Wanted, before: int | None, at_once: int) -> Iterator[sqlite3.Row]:
        """Read the rows of which some are wanted, the newest first, and so many by one statement."""
        statement = _statement(wanted)
        since, until = wanted.get("since"), wanted.get("until")
        first = 0 if since is None else self._number_at(since)
        end = LAST_NUMBER if until is None else self._number_at(until)
        end = end if before is None else min(end, before)
        while statement:
            read = self._database.run(statement, owner=wanted.get("owner"), before=end, limit=at_once)
            yield from (row for row in read if row["seq"] >= first)
            if len(read) < at_once or read[-1]["seq"] <= first:
                break
            end = read[-1]["seq"]

    def _number_at(self, moment: float) -> int:
        """Find the first number that was given at this moment of the wall clock or later, if that never went back."""
        [last] = self._database.run("SELECT max(seq) AS seq FROM prompts")
        low, high = 0, (last["seq"] or 0) + 1
        while low < high:
            middle = (low + high) // 2
            found = self._database.run(
                "SELECT seq, coalesce(queued_at, created_at) AS at FROM prompts WHERE seq >= :n ORDER BY seq LIMIT 1",
                n=middle,
            )
            if not found or found[0]["at"] >= moment:
                high = middle
            else:
                low = int(found[0]["seq"]) + 1
        return low


def _statement(wanted: Wanted) -> str | None:
    """Choose the statement by which they are found; None where there can be none."""
    status, outcome = wanted.get("status"), wanted.get("outcome")
    if outcome and status not in (None, Status.COMPLETED):
        return None  # only what is completed has an outcome
    of_outcome, of_status = (OF_OUTCOME, OF_ANYBODY) if wanted.get("owner") is None else (OWN_OF_OUTCOME, OF_OWNER)
    return of_outcome[outcome] if outcome else of_status[status]


def _matches(row: sqlite3.Row, wanted: Wanted) -> bool:
    """Whether a prompt is wanted, by what no index knows of it."""
    since, until, key = wanted.get("since"), wanted.get("until"), wanted.get("metadata_key")
    accepted = row["created_at"] if row["queued_at"] is None else row["queued_at"]
    is_in_time = (-inf if since is None else since) <= accepted < (inf if until is None else until)
    return is_in_time and (key is None or has_key(row["metadata"], key))
