"""The figures of a campaign, for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.findings import Kind
from chaos.plan import Blow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.campaign import Outcome

SHOWN = 20  # findings


def report(outcome: Outcome) -> str:
    """Give the table, and below it what was found."""
    lines = [f"  {name:<34}{value}" for name, value in figures(outcome)]
    found = [f"  {finding}" for finding in outcome.findings[:SHOWN]]
    if len(outcome.findings) > SHOWN:
        found.append(f"  … and {len(outcome.findings) - SHOWN} more")
    return "\n".join([*lines, *found])


def figures(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Give each figure with its name."""
    evidence = outcome.evidence
    accepted = {seen.prompt_id for seen in evidence.history if seen.what == "submit" and seen.status == 202}
    rows = evidence.stored.prompts.values()
    ended = Counter(row["outcome"] or "not ended" for row in rows)
    failed = Counter(row["error_code"] for row in rows if row["outcome"] == "failed")
    unanswered = sum(seen.status in (0, 503) and seen.what != "deleting" for seen in evidence.history)
    yield "prompts accepted", f"{len(accepted)}"
    yield "  succeeded", f"{ended['succeeded']}"
    yield "  cancelled", f"{ended['cancelled']}"
    yield "  deleted", f"{len(accepted - set(evidence.stored.prompts))}"
    yield "  expired", f"{ended['expired']}"
    yield "  timed out", f"{failed['timed_out']}"
    yield "  failed by their kills", f"{failed['attempts_exhausted']}"
    yield "answers seen", f"{len(evidence.history)}, {unanswered} of them none or a 503"
    ends = Counter("left" if each.leaves_after else each.raised or "whole" for each in evidence.questions if each.ended)
    yield "calls of the makers' clients", f"{len(evidence.questions)}"
    for end, number in sorted(ends.items()):
        yield f"  {end}", f"{number}"
    yield "attempts", f"{sum(row['attempt'] for row in rows)}"
    yield "  ended by failure", f"{sum(row['failures'] for row in rows)}"
    yield "calls of the model", f"{len(evidence.calls)}"
    hits = Counter((each.part, each.blow) for each in evidence.struck if each.hit)
    kills = sum(number for (_, blow), number in hits.items() if blow.is_kill)
    yield "kills", f"{kills}, and {outcome.restarts}"
    for part in dict.fromkeys(each.part for each in sorted(evidence.struck, key=lambda each: each.part)):
        struck = [f"{hits[part, blow]} {blow}" for blow in Blow if hits[part, blow]]
        yield f"  {part}", ", ".join(struck) or "none"
    full = sum(each.status == 503 and "storage_full" in str(each.body) for each in evidence.history)
    filled = sum(each.full_at is not None for each in evidence.fillings)
    yield "the room was full", f"{filled} times, and {full} submissions of others were refused for it"
    settled = "never" if outcome.settled_in is None else f"{outcome.settled_in:.1f} s after the last strike"
    yield "everything had ended", settled
    yield "copies of the database", f"{outcome.copies}, each opened and checked"
    if evidence.revocations:
        refused = sum(seen.status == 401 for seen in evidence.history)
        limited = sum(seen.status == 429 for seen in evidence.history)
        yield "keys revoked", f"{len(evidence.revocations)}, and {refused} requests refused for it"
        yield "beyond an owner's limits", f"{limited}"
        yield "asked for another's prompt", f"{len(evidence.pried)}, and {len(evidence.listed)} lists of one's own"
    for kind in Kind:
        yield kind, f"{outcome.number(kind)}"
