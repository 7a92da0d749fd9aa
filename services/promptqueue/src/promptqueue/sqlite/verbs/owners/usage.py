"""The verbs about what prompts had of the model, which triggers count: usage, measures."""

from itertools import accumulate

from promptqueue.condition import Histogram, Measures
from promptqueue.owners.owner import Usage
from promptqueue.prompt import Outcome
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.sqlite.verbs.owners.holdings import day_of

FIRST_DAY, LAST_DAY = "0000-01-01", "9999-12-31"


class UsageVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def usage(self, *, owner: int | None = None, since: str | None = None, until: str | None = None) -> list[Usage]:
        found = self._database.run(
            f"""
            SELECT day, owners.name AS owner, succeeded, failed, cancelled, expired, prompt_tokens, tokens, seconds
            FROM usage JOIN owners USING (owner)
            WHERE day BETWEEN :since AND :until {"" if owner is None else "AND usage.owner = :owner"}
            ORDER BY day DESC, owners.name
            """,  # noqa: S608 (it is our own)
            since=since or FIRST_DAY,
            until=until or LAST_DAY,
            owner=owner,
        )
        return [Usage(**dict(row)) for row in found]

    def measures(self) -> Measures:
        totals = self._database.run("SELECT * FROM totals")
        durations = self._database.run("SELECT * FROM durations ORDER BY up_to")
        return Measures(
            ended={Outcome(row["outcome"]): row["prompts"] for row in totals},
            prompt_tokens=sum(row["prompt_tokens"] for row in totals),
            tokens=sum(row["tokens"] for row in totals),
            waiting=_histogram([row for row in durations if row["what"] == "waiting"]),
            running=_histogram([row for row in durations if row["what"] == "running"]),
        )


def count_prompt_tokens(database: Database, ended: sqlite3.Row, tokens: int) -> None:
    """Count the tokens that the model read of a prompt, whose row this is: the triggers do not know them.

    Within the transaction by which it ended.
    """
    if not tokens:
        return
    database.run(
        "UPDATE usage SET prompt_tokens = prompt_tokens + :tokens WHERE owner = :owner AND day = :day",
        tokens=tokens,
        owner=ended["owner"],
        day=day_of(ended["completed_at"]),
    )
    database.run(
        "UPDATE totals SET prompt_tokens = prompt_tokens + :tokens WHERE outcome = :outcome",
        tokens=tokens,
        outcome=ended["outcome"],
    )


def _histogram(rows: list[sqlite3.Row]) -> Histogram:
    reached = accumulate(row["prompts"] for row in rows)
    return Histogram(
        buckets=dict(zip((row["up_to"] for row in rows), reached, strict=True)),
        seconds=sum(row["seconds"] for row in rows),
    )
