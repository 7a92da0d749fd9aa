"""The checker: each rule is a promise of the product, and gives what breaks it.

Requests overlap, so that one was before another only if it had ended when the other began.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos import endings, privacy, wholeness
from chaos.endings import REACH
from chaos.findings import Finding, Kind, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos.evidence import Evidence
    from chaos.history import Seen

ENDED = (float("inf"), 0)
OF_KEYS = {401: "unauthorized", 429: "quota_exceeded"}
"""Which of them are right `privacy` says."""
UNAVAILABLE = ("storage_unavailable", "storage_full", "busy", "too_many_streams")


def findings(evidence: Evidence) -> list[Finding]:
    """Hold every rule to the evidence."""
    return [finding for rule in RULES for finding in rule(evidence)]


# ---- accepted --------------------------------------------------------------------------------------------------------


def whatever_was_accepted_is_found_again(evidence: Evidence) -> Iterator[Finding]:
    """Stored at the end, and never answered with a 404 before it was deleted."""
    for script, seen in evidence.by_script.items():
        accepted = [each for each in seen if each.what == "submit" and each.status == 202]
        if not accepted:
            continue
        deleted_at = min((each.begun for each in seen if each.what == "deleting"), default=float("inf"))
        if deleted_at == float("inf") and accepted[0].prompt_id not in evidence.stored.prompts:
            yield Finding(Kind.LOST, script, f"accepted as {accepted[0].prompt_id}, and not stored at the end")
        for each in seen:
            if each.status in (404, 410) and _is_gone(each) and each.ended < deleted_at:
                yield Finding(Kind.LOST, script, f"{each.what} answered {each.status} to an accepted prompt")


def a_key_stands_for_one_prompt(evidence: Evidence) -> Iterator[Finding]:
    """However often it is sent, and whichever of the answers got lost."""
    for script, seen in evidence.by_script.items():
        ids = {each.prompt_id for each in seen if each.what == "submit" and each.status == 202}
        if len(ids) > 1:
            yield wrong(script, f"accepted more than once: {', '.join(sorted(map(str, ids)))}")
    texts = {script.text: script.name for script in evidence.scripts.values()}
    others = {question.text for question in evidence.questions}
    for text, number in Counter(evidence.stored.texts.values()).items():
        if text in others:
            continue  # their makers' clients send no key
        if text not in texts:
            yield wrong("stored", f"a prompt that nobody asked: {text!r}")
        elif number > 1:
            yield wrong(texts[text], f"stored {number} times")


def what_was_deleted_is_unknown(evidence: Evidence) -> Iterator[Finding]:
    """From the answer on, everywhere."""
    for script, seen in evidence.by_script.items():
        gone_at = min((each.ended for each in seen if each.what == "delete" and each.status == 204), default=None)
        if gone_at is None:
            continue
        for each in seen:
            if each.begun > gone_at and each.status not in (0, 503, *OF_KEYS) and not _is_gone(each):
                yield wrong(script, f"{each.what} answered {each.status} after it was deleted")
        if evidence.scripts[script].text in evidence.stored.texts.values():
            yield wrong(script, "still stored after it was deleted")


# ---- its way ---------------------------------------------------------------------------------------------------------


def everything_ends(evidence: Evidence) -> Iterator[Finding]:
    """Every prompt is completed once the faults stop."""
    for prompt_id, row in evidence.stored.prompts.items():
        if row["status"] != "completed":
            words = f"{row['status']} at the end, attempt {row['attempt']}, {row['failures']} failures"
            yield Finding(Kind.STUCK, evidence.name_of(prompt_id), words)


def no_status_goes_back(evidence: Evidence) -> Iterator[Finding]:
    """A prompt goes from attempt to attempt, in each from processing to queued, and is completed for ever."""
    for life in evidence.lives:
        script, seen = life.script, life.seen
        standings = [(each, rank) for each in seen if (rank := _rank(each))]
        by_end = sorted(standings, key=lambda each: each[0].ended)
        highest, known = (0.0, 0), 0
        for each, rank in sorted(standings, key=lambda each: each[0].begun):
            while by_end[known][0].ended < each.begun:
                highest = max(highest, by_end[known][1])
                known += 1
            if rank < highest:
                yield wrong(script, f"{each.what} went back to {each.standing}, below {highest}")
        for earlier, later in pairwise(each for each in standings if each[0].what == "event"):
            if earlier[0].begun == later[0].begun and later[1] < earlier[1]:  # of one connection
                yield wrong(script, f"an event went back to {later[0].standing}")
        if any(each.what == "submit" and each.status == 202 and _went_back(each, standings) for each in seen):
            yield wrong(script, "a repeated submission told of a prompt that had not ended any more")


def tries_only_rise(evidence: Evidence) -> Iterator[Finding]:
    """Attempts never fall, nor failures, unless a retry has renewed the budget; and they never exceed their limit."""
    highest: dict[str, tuple[int, int]] = {}
    at_the_end = [(prompt_id, row["attempt"], row["failures"]) for prompt_id, row in evidence.stored.prompts.items()]
    for look in [
        *([(one.prompt_id, one.attempt, one.failures) for one in look] for look in evidence.looks),
        at_the_end,
    ]:
        for prompt_id, attempt, failures in look:
            before = highest.get(prompt_id, (0, 0))
            may_fall = evidence.name_of(prompt_id) in evidence.retried
            if attempt < before[0] or (failures < before[1] and not may_fall):
                words = f"attempt and failures went from {before} to {(attempt, failures)}"
                yield wrong(evidence.name_of(prompt_id), words)
            if failures > min(attempt, evidence.max_failures):
                words = f"{failures} failures in {attempt} attempts, {evidence.max_failures} are allowed"
                yield wrong(evidence.name_of(prompt_id), words)
            highest[prompt_id] = (attempt, failures)


# ---- the whole -------------------------------------------------------------------------------------------------------


def nobody_meets_a_mistake(evidence: Evidence) -> Iterator[Finding]:
    """No answer but those of the contract."""
    for each in evidence.history:
        is_refused_retry = (each.what, each.status, each.code) == ("retry", 409, "not_retryable")
        is_of_keys = OF_KEYS.get(each.status) == each.code is not None
        if each.status not in (0, 200, 202, 204, 404, 410, 503) and not (is_refused_retry or is_of_keys):
            yield wrong(each.script, f"{each.what} answered {each.status}: {each.body}")
        if each.status == 503 and each.code not in UNAVAILABLE:
            yield wrong(each.script, f"{each.what} answered 503: {each.body}")


def only_want_of_room_refuses_for_want_of_room(evidence: Evidence) -> Iterator[Finding]:
    """Submissions alone, while somebody fills the room; more than there is room for is never accepted, or lost."""
    for filling in evidence.fillings:
        if filling.overran:
            yield wrong("room", f"{filling.accepted} long prompts were accepted, and none refused")
        if filling.lost:
            yield Finding(Kind.LOST, "room", f"{filling.lost} of {filling.accepted} long prompts were unknown")
    for each in evidence.history:
        if each.status == 503 and each.code == "storage_full":
            filled = any(one.begun <= each.ended and each.begun <= one.ended + REACH for one in evidence.fillings)
            if each.what != "submit" or not filled:
                yield wrong(each.script, f"{each.what} was refused for want of room: {each.body}")


def the_books_balance(evidence: Evidence) -> Iterator[Finding]:
    """The file is whole, no text is left of what was deleted, and the counters are what a count gives."""
    stored = evidence.stored
    if stored.integrity != "ok":
        yield wrong("stored", f"integrity_check says {stored.integrity}")
    if stored.orphans:
        yield wrong("stored", f"{stored.orphans} texts belong to no prompt")
    counted = Counter((row["status"], row["priority"]) for row in stored.prompts.values())
    if +stored.counters != counted:
        yield wrong("stored", f"counters say {+stored.counters}, a count gives {counted}")
    for words in stored.miscounted:
        yield wrong("stored", words)


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    whatever_was_accepted_is_found_again,
    a_key_stands_for_one_prompt,
    what_was_deleted_is_unknown,
    everything_ends,
    no_status_goes_back,
    tries_only_rise,
    *endings.RULES,
    *wholeness.RULES,
    *privacy.RULES,
    nobody_meets_a_mistake,
    only_want_of_room_refuses_for_want_of_room,
    the_books_balance,
)


def _rank(seen: Seen) -> tuple[float, int] | None:
    """How far along its way a prompt stood; None when that was not told."""
    told = seen.standing
    if told is None:
        return ENDED if seen.what == "result" and seen.status == 200 else None
    return ENDED if told["status"] == "completed" else (told["attempt"], int(told["status"] == "queued"))


def _went_back(submitted: Seen, standings: Sequence[tuple[Seen, tuple[float, int]]]) -> bool:
    """Whether this submission, which tells no attempt, tells of less than somebody had been told before."""
    return submitted.body["status"] != "completed" and any(
        rank == ENDED and each.ended < submitted.begun for each, rank in standings
    )


def _is_gone(seen: Seen) -> bool:
    """Whether this says that there is no such prompt. A 410 with a status is that of a prompt without an answer."""
    return seen.status == 404 or (seen.status == 410 and seen.what == "submit")
