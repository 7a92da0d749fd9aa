"""The verbs about what prompts had of the model, of which each end adds a row to a ledger: usage, measures."""

from itertools import accumulate

from promptqueue.condition import Histogram, Measures
from promptqueue.owners.owner import Usage
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.prompt import Outcome

FIRST_DAY, LAST_DAY = "0000-01-01", "9999-12-31"

USED = """
    SELECT used.day, owners.name AS owner, sum(succeeded)::bigint AS succeeded, sum(failed)::bigint AS failed,
           sum(cancelled)::bigint AS cancelled, sum(expired)::bigint AS expired,
           sum(prompt_tokens)::bigint AS prompt_tokens, sum(tokens)::bigint AS tokens, sum(seconds) AS seconds
    FROM used JOIN owners USING (owner)
    WHERE used.day BETWEEN %(since)s AND %(until)s AND (%(owner)s::integer IS NULL OR used.owner = %(owner)s)
    GROUP BY used.day, owners.name
    ORDER BY used.day DESC, owners.name COLLATE "C"
"""

ENDED = """
    SELECT outcome, sum(prompts)::bigint AS prompts, sum(prompt_tokens)::bigint AS prompt_tokens,
           sum(tokens)::bigint AS tokens
    FROM (
        SELECT outcome, prompts, prompt_tokens, tokens FROM totals
        UNION ALL
        SELECT outcome, 1, prompt_tokens, tokens FROM endings
    ) AS ended
    GROUP BY outcome
"""

TOOK = """
    SELECT what, up_to, sum(prompts)::bigint AS prompts, sum(seconds) AS seconds
    FROM (
        SELECT what, up_to, prompts, seconds FROM durations
        UNION ALL
        SELECT what, up_to, 1, seconds FROM took
    ) AS took
    GROUP BY what, up_to ORDER BY up_to
"""


class UsageVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def usage(self, *, owner: int | None = None, since: str | None = None, until: str | None = None) -> list[Usage]:
        found = self._database.run(USED, since=since or FIRST_DAY, until=until or LAST_DAY, owner=owner)
        return [Usage(**row) for row in found]

    def measures(self) -> Measures:
        totals, durations = self._database.run(ENDED), self._database.run(TOOK)
        return Measures(
            ended={Outcome(row["outcome"]): row["prompts"] for row in totals},
            prompt_tokens=sum(row["prompt_tokens"] for row in totals),
            tokens=sum(row["tokens"] for row in totals),
            waiting=_histogram([row for row in durations if row["what"] == "waiting"]),
            running=_histogram([row for row in durations if row["what"] == "running"]),
        )


def _histogram(rows: list[Row]) -> Histogram:
    reached = accumulate(row["prompts"] for row in rows)
    return Histogram(
        buckets=dict(zip((row["up_to"] for row in rows), reached, strict=True)),
        seconds=sum(row["seconds"] for row in rows),
    )
