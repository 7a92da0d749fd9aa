"""The checker: each rule is a promise of the product, and gives what breaks it.

Requests overlap, so that one was before another only if it had ended when the other began.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.findings import Finding, Kind
from chaos.script import THREE_HOURS, Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chaos.evidence import Call, Evidence
    from chaos.history import Seen

REACH = 3.0  # seconds by which a strike's consequences may come later than the strike, or begin before it was noted
ENDED = (float("inf"), 0)
LONGEST_WORDS = 300  # characters
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
            yield _finding(Kind.LOST, script, f"accepted as {accepted[0].prompt_id}, and not stored at the end")
        for each in seen:
            if each.status in (404, 410) and _is_gone(each) and each.ended < deleted_at:
                yield _finding(Kind.LOST, script, f"{each.what} answered {each.status} to an accepted prompt")


def a_key_stands_for_one_prompt(evidence: Evidence) -> Iterator[Finding]:
    """However often it is sent, and whichever of the answers got lost."""
    for script, seen in evidence.by_script.items():
        ids = {each.prompt_id for each in seen if each.what == "submit" and each.status == 202}
        if len(ids) > 1:
            yield _finding(Kind.WRONG, script, f"accepted more than once: {', '.join(sorted(map(str, ids)))}")
    texts = {script.text: script.name for script in evidence.scripts.values()}
    for text, number in Counter(evidence.stored.texts.values()).items():
        if text not in texts:
            yield _finding(Kind.WRONG, "stored", f"a prompt that nobody asked: {text!r}")
        elif number > 1:
            yield _finding(Kind.WRONG, texts[text], f"stored {number} times")


def what_was_deleted_is_unknown(evidence: Evidence) -> Iterator[Finding]:
    """From the answer on, everywhere."""
    for script, seen in evidence.by_script.items():
        gone_at = min((each.ended for each in seen if each.what == "delete" and each.status == 204), default=None)
        if gone_at is None:
            continue
        for each in seen:
            if each.begun > gone_at and each.status and each.status != 503 and not _is_gone(each):
                yield _finding(Kind.WRONG, script, f"{each.what} answered {each.status} after it was deleted")
        if evidence.scripts[script].text in evidence.stored.texts.values():
            yield _finding(Kind.WRONG, script, "still stored after it was deleted")


# ---- its way ---------------------------------------------------------------------------------------------------------


def everything_ends(evidence: Evidence) -> Iterator[Finding]:
    """Every prompt is completed once the faults stop."""
    for prompt_id, row in evidence.stored.prompts.items():
        if row["status"] != "completed":
            words = f"{row['status']} at the end, attempt {row['attempt']}, {row['failures']} failures"
            yield _finding(Kind.STUCK, _script(evidence, prompt_id), words)


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
                yield _finding(Kind.WRONG, script, f"{each.what} went back to {each.standing}, below {highest}")
        for earlier, later in pairwise(each for each in standings if each[0].what == "event"):
            if earlier[0].begun == later[0].begun and later[1] < earlier[1]:  # of one connection
                yield _finding(Kind.WRONG, script, f"an event went back to {later[0].standing}")
        if any(each.what == "submit" and each.status == 202 and _went_back(each, standings) for each in seen):
            yield _finding(Kind.WRONG, script, "a repeated submission told of a prompt that had not ended any more")


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
            may_fall = _script(evidence, prompt_id) in evidence.retried
            if attempt < before[0] or (failures < before[1] and not may_fall):
                words = f"attempt and failures went from {before} to {(attempt, failures)}"
                yield _finding(Kind.WRONG, _script(evidence, prompt_id), words)
            if failures > min(attempt, evidence.max_failures):
                words = f"{failures} failures in {attempt} attempts, {evidence.max_failures} are allowed"
                yield _finding(Kind.WRONG, _script(evidence, prompt_id), words)
            highest[prompt_id] = (attempt, failures)


# ---- its end ---------------------------------------------------------------------------------------------------------


def nothing_changes_once_it_has_ended(evidence: Evidence) -> Iterator[Finding]:
    """Neither the status nor the answer, and a cancelled prompt is never answered."""
    for life in evidence.lives:
        script, seen = life.script, life.seen
        ended = [each.standing for each in seen if each.standing and each.standing["status"] == "completed"]
        bare = [{name: value for name, value in each.items() if name != "partial"} for each in ended]
        answers = [each.body for each in seen if each.what == "result" and each.status == 200]
        partials = [each["partial"] for each in ended if "partial" in each]
        for told in (bare, answers, partials):
            for one, other in pairwise(told):
                if one != other:
                    yield _finding(Kind.WRONG, script, f"changed after its end from {one} to {other}")
        outcomes = {each["outcome"] for each in [*ended, *answers]}
        if len(outcomes) > 1:
            yield _finding(Kind.WRONG, script, f"ended as {' and '.join(sorted(outcomes))}")
        stored = evidence.stored.prompts.get(_id(seen) or "")
        if life.is_last and stored and outcomes and outcomes != {stored["outcome"]}:
            yield _finding(Kind.WRONG, script, f"told to be {outcomes}, stored as {stored['outcome']}")


def a_cancel_ends_it(evidence: Evidence) -> Iterator[Finding]:
    """Whoever cancels is told of a prompt that has ended, one way or another."""
    for script, seen in evidence.by_script.items():
        for each in seen:
            if each.what == "cancel" and each.status == 200 and each.body["status"] != "completed":
                yield _finding(Kind.WRONG, script, f"cancelled, and {each.body['status']}")


def a_retry_begins_anew(evidence: Evidence) -> Iterator[Finding]:
    """What was retried does not stay cancelled, and nothing but an answer is a reason to refuse a retry."""
    for script, seen in evidence.by_script.items():
        stored = evidence.stored.prompts.get(_id(seen) or "")
        for each in seen:
            if each.what != "retry" or not stored:
                continue
            if each.status == 200 and stored["outcome"] == "cancelled":
                yield _finding(
                    Kind.WRONG, script, f"retried, told to be {each.body['status']}, and stored as cancelled"
                )
            if each.status == 409 and stored["outcome"] != "succeeded":
                yield _finding(Kind.WRONG, script, f"not retried though {stored['outcome']}: {each.body}")


def what_is_told_of_trouble_is_a_line(evidence: Evidence) -> Iterator[Finding]:
    """Why it was put back or failed is told in at most 300 characters, and not at all once it has succeeded."""
    for script, seen in evidence.by_script.items():
        for standing in (each.standing for each in seen if each.standing):
            error, last_error = standing.get("error"), standing.get("last_error")
            for words in (error and error["message"], last_error):
                if words is not None and (len(words) > LONGEST_WORDS or not words.isprintable()):
                    yield _finding(Kind.WRONG, script, f"told of trouble in more than a line: {words!r}")
            if standing["outcome"] == "succeeded" and (error or last_error):
                yield _finding(Kind.WRONG, script, f"succeeded, and told of {error or last_error}")


def each_end_has_its_reason(evidence: Evidence) -> Iterator[Finding]:
    """A cancel, a deadline of its own, or as many failures as are allowed, each explained by a strike."""
    for prompt_id, row in evidence.stored.prompts.items():
        script, asked = _script(evidence, prompt_id), evidence.scripts_by_id.get(prompt_id)
        if asked is None:
            continue  # another rule's
        match row["outcome"], row["error_code"]:
            case "failed", "attempts_exhausted":
                explained = explained_failures(evidence, prompt_id)
                if not row["failures"] == evidence.max_failures <= explained:
                    words = f"{row['failures']} failures, {explained} explained; the last: {row['error_message']}"
                    yield _finding(Kind.WRONG, script, words)
            case "failed", "timed_out" if "timeout" in asked.fields:
                pass
            case "expired", "expired" if asked.fields.get("expires_in", THREE_HOURS) < THREE_HOURS:
                pass
            case "cancelled", "cancelled" if asked.fate is Fate.CANCELLED:
                pass
            case ("succeeded", None) | (None, None):
                pass
            case outcome, code:
                yield _finding(Kind.WRONG, script, f"ended as {outcome}, {code}: {row['error_message']}")


def each_answer_was_given_to_that_prompt(evidence: Evidence) -> Iterator[Finding]:
    """Its text is the simulator's to this very prompt, and its record is one that the simulator has sent to it."""
    sent = {(call.text, call.created_at) for call in evidence.calls if call.created_at}
    for prompt_id, row in evidence.stored.prompts.items():
        script, answer = _script(evidence, prompt_id), evidence.stored.answers.get(prompt_id)
        if (row["outcome"] == "succeeded") != (answer is not None):
            yield _finding(Kind.WRONG, script, f"{row['outcome']}, with{'out' if answer is None else ''} an answer")
        asked = evidence.scripts_by_id.get(prompt_id)
        if answer is None or asked is None:
            continue
        if answer["response"] != asked.answer:
            yield _finding(Kind.WRONG, script, f"the answer of something else: {answer['response']!r}")
        if (asked.text, answer["created_at"]) not in sent:
            yield _finding(Kind.WRONG, script, f"an answer that nobody gave, made at {answer['created_at']}")
    for script, seen in evidence.by_script.items():
        for each in seen:
            if (
                each.status == 200
                and each.what == "result"
                and each.body["response"] != evidence.scripts[script].answer
            ):
                yield _finding(Kind.WRONG, script, "told the answer of something else")
            partial = (each.standing or {}).get("partial", "")
            if not evidence.scripts[script].answer.startswith(partial):
                yield _finding(Kind.WRONG, script, f"partial text of something else: {partial!r}")


def each_attempt_has_one_owner(evidence: Evidence) -> Iterator[Finding]:
    """Whoever says that it has ended an attempt has ended the newest, and one attempt alone ends the prompt."""
    last: dict[str, int] = {}
    for finish in evidence.finishes:
        row = evidence.stored.prompts.get(finish.prompt_id)
        script = _script(evidence, finish.prompt_id)
        if row is None:
            continue  # deleted
        if finish.outcome == "retried":
            continue
        if script in evidence.retried and finish.attempt < row["attempt"]:
            continue  # of the life before
        if finish.prompt_id in last:
            yield _finding(Kind.WRONG, script, f"ended by attempt {last[finish.prompt_id]} and by {finish.attempt}")
        last[finish.prompt_id] = finish.attempt
        if (finish.attempt, finish.outcome) != (row["attempt"], row["outcome"]):
            words = (
                f"attempt {finish.attempt} ended it as {finish.outcome}, stored is {row['attempt']}, {row['outcome']}"
            )
            yield _finding(Kind.WRONG, script, words)


def a_stream_tells_the_whole_answer(evidence: Evidence) -> Iterator[Finding]:
    """Nothing is missed and nothing comes twice, however often it broke off."""
    for script, seen in evidence.by_script.items():
        answers = {each.body["response"] for each in seen if each.what == "result" and each.status == 200}
        for each in seen:
            if each.what == "streamed" and answers and {each.body["text"]} != answers:
                yield _finding(Kind.WRONG, script, f"streamed {each.body['text']!r}")


# ---- the whole -------------------------------------------------------------------------------------------------------


def nobody_meets_a_mistake(evidence: Evidence) -> Iterator[Finding]:
    """No answer but those of the contract."""
    for each in evidence.history:
        is_refused_retry = (each.what, each.status, _code(each)) == ("retry", 409, "not_retryable")
        if each.status not in (0, 200, 202, 204, 404, 410, 503) and not is_refused_retry:
            yield _finding(Kind.WRONG, each.script, f"{each.what} answered {each.status}: {each.body}")
        if each.status == 503 and _code(each) not in UNAVAILABLE:
            yield _finding(Kind.WRONG, each.script, f"{each.what} answered 503: {each.body}")


def only_want_of_room_refuses_for_want_of_room(evidence: Evidence) -> Iterator[Finding]:
    """Submissions alone, while somebody fills the room; more than there is room for is never accepted, or lost."""
    for filling in evidence.fillings:
        if filling.overran:
            yield _finding(Kind.WRONG, "room", f"{filling.accepted} long prompts were accepted, and none refused")
        if filling.lost:
            yield _finding(Kind.LOST, "room", f"{filling.lost} of {filling.accepted} long prompts were unknown")
    for each in evidence.history:
        if each.status == 503 and _code(each) == "storage_full":
            filled = any(one.begun <= each.ended and each.begun <= one.ended + REACH for one in evidence.fillings)
            if each.what != "submit" or not filled:
                yield _finding(Kind.WRONG, each.script, f"{each.what} was refused for want of room: {each.body}")


def the_books_balance(evidence: Evidence) -> Iterator[Finding]:
    """The file is whole, no text is left of what was deleted, and the counters are what a count gives."""
    stored = evidence.stored
    if stored.integrity != "ok":
        yield _finding(Kind.WRONG, "stored", f"integrity_check says {stored.integrity}")
    if stored.orphans:
        yield _finding(Kind.WRONG, "stored", f"{stored.orphans} texts belong to no prompt")
    counted = Counter((row["status"], row["priority"]) for row in stored.prompts.values())
    if +stored.counters != counted:
        yield _finding(Kind.WRONG, "stored", f"counters say {+stored.counters}, a count gives {counted}")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    whatever_was_accepted_is_found_again,
    a_key_stands_for_one_prompt,
    what_was_deleted_is_unknown,
    everything_ends,
    no_status_goes_back,
    tries_only_rise,
    nothing_changes_once_it_has_ended,
    a_cancel_ends_it,
    a_retry_begins_anew,
    what_is_told_of_trouble_is_a_line,
    each_end_has_its_reason,
    each_answer_was_given_to_that_prompt,
    each_attempt_has_one_owner,
    a_stream_tells_the_whole_answer,
    nobody_meets_a_mistake,
    only_want_of_room_refuses_for_want_of_room,
    the_books_balance,
)


def explained_failures(evidence: Evidence, prompt_id: str) -> int:
    """Count the attempts of a prompt that a strike can have ended.

    An attempt is seen by its call; one that was ended before its call is one that only a strike can have ended.
    """
    attempts: int = evidence.stored.prompts[prompt_id]["attempt"]
    calls = [call for call in evidence.calls if call.text == evidence.stored.texts[prompt_id]]
    return attempts - len(calls) + sum(_is_struck(evidence, call) for call in calls)


def _is_struck(evidence: Evidence, call: Call) -> bool:
    ended = call.ended if call.ended is not None else call.received
    return any(
        each.hit and each.begun - REACH <= ended and each.ended + REACH >= call.received
        for each in evidence.struck
        if each.blow.is_kill
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


def _code(seen: Seen) -> str | None:
    """The code of a refusal."""
    error = seen.body.get("error") if isinstance(seen.body, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _id(seen: Sequence[Seen]) -> str | None:
    return next((each.prompt_id for each in seen if each.prompt_id), None)


def _script(evidence: Evidence, prompt_id: str) -> str:
    script = evidence.scripts_by_id.get(prompt_id)
    return script.name if script else prompt_id


def _finding(kind: Kind, about: str, words: str) -> Finding:
    return Finding(kind=kind, about=about, words=words)
