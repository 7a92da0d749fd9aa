"""The verb that lists prompts, of all owners or of one: newest."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Unpack

from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs import rows
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.postgres.verbs.lanes import NUMBER
from promptqueue.prompt import Outcome, Page, Prompt, Status, Wanted
from promptqueue.stored import has_key

LAST_NUMBER = 2**63 - 1
LOOKED_AT = 2_000  # prompts at which one page looks at most
AT_ONCE = 500  # that one statement reads where some may be passed over


def _newest(table: str, where: str = "true", **equal: str) -> str:
    # It reads its numbers in order from an index that begins with these columns, and stops. Were they compared by
    # themselves, the planner might rather walk back through all numbers and pass over what does not match, which is
    # quick until what matches is rare.
    names, values = [*equal], [*equal.values()]
    before = f"({', '.join([*names, 'seq'])}) < ({', '.join([*values, '%(before)s'])})"
    within = f"AND ({', '.join(names)}) >= ({', '.join(values)})" if equal else ""
    order = ", ".join(f"{name} DESC" for name in [*names, "seq"])
    return f"SELECT seq FROM {table} WHERE {where} AND {before} {within} ORDER BY {order} LIMIT %(limit)s"  # noqa: S608


def _newest_of(selections: Iterable[str]) -> str:
    merged = " UNION ALL ".join(f"(SELECT seq FROM ({each}) AS few)" for each in selections)  # noqa: S608
    return f"{merged} ORDER BY seq DESC LIMIT %(limit)s"


QUEUED, IN_HAND = "status = 'queued'", "status = 'processing'"
OF_OUTCOME = {each: _newest("ended", outcome=f"'{each}'") for each in Outcome}
OF_ANYBODY = {
    None: _newest("prompts"),
    Status.QUEUED: _newest("line", f"{QUEUED} AND seq > 0"),
    Status.PROCESSING: _newest("line", IN_HAND),
    Status.COMPLETED: _newest("ended"),
}

OWNER = "%(owner)s"
OWN_OF_OUTCOME = {each: _newest("ended", owner=OWNER, outcome=f"'{each}'") for each in Outcome}
OF_OWNER = {
    None: _newest("prompts", owner=OWNER),
    Status.QUEUED: _newest_of(_newest("line", QUEUED, lane=str(lane), owner=OWNER) for lane in NUMBER.values()),
    Status.PROCESSING: _newest("line", f"{IN_HAND} AND owner = {OWNER}"),
    Status.COMPLETED: _newest_of(OWN_OF_OUTCOME.values()),
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
                found.append(rows.prompt(row))
                end = row["seq"]
            if looked_at == LOOKED_AT:
                return Page(prompts=found, next=row["seq"])
        return Page(prompts=found, next=None)

    def _walk(self, wanted: Wanted, before: int | None, at_once: int) -> Iterator[Row]:
        """Read the rows of which some are wanted, the newest first, and so many by one statement."""
        statement = _statement(wanted)
        since, until = wanted.get("since"), wanted.get("until")
        first = 0 if since is None else self._number_at(since)
        end = LAST_NUMBER if until is None else self._number_at(until)
        end = end if before is None else min(end, before)
        while statement:
            read = self._database.run(
                f"{rows.STANDING} WHERE prompts.seq = ANY(ARRAY({statement})) ORDER BY prompts.seq DESC",
                owner=wanted.get("owner"),
                before=end,
                limit=at_once,
            )
            yield from (row for row in read if row["seq"] >= first)
            if len(read) < at_once or read[-1]["seq"] <= first:
                break
            end = read[-1]["seq"]

    def _number_at(self, moment: float) -> int:
        """Find the first number that was given at this moment of the wall clock or later, if that never went back."""
        [found] = self._database.run("SELECT number_at(%(moment)s) AS number", moment=moment)
        return int(found["number"])


def _statement(wanted: Wanted) -> str | None:
    """Choose the statement by which their numbers are found; None where there can be none."""
    status, outcome = wanted.get("status"), wanted.get("outcome")
    if outcome and status not in (None, Status.COMPLETED):
        return None  # only what is completed has an outcome
    of_outcome, of_status = (OF_OUTCOME, OF_ANYBODY) if wanted.get("owner") is None else (OWN_OF_OUTCOME, OF_OWNER)
    return of_outcome[outcome] if outcome else of_status[status]


def _matches(row: Row, wanted: Wanted) -> bool:
    """Whether a prompt is wanted, by what no index knows of it."""
    since, until, key = wanted.get("since"), wanted.get("until"), wanted.get("metadata_key")
    accepted = row["created_at"] if row["queued_at"] is None else row["queued_at"]
    is_in_time = (-inf if since is None else since) <= accepted < (inf if until is None else until)
    return is_in_time and (key is None or has_key(row["metadata"], key))
