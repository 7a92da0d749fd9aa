"""What holds once a prompt has ended: the rules of the checker about answers and other ends."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.findings import wrong
from chaos.script import THREE_HOURS, Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos.evidence import Call, Evidence
    from chaos.findings import Finding

LONGEST_WORDS = 300  # characters
REACH = 3.0  # seconds by which a strike's consequences may come later than the strike, or begin before it was noted


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
                    yield wrong(script, f"changed after its end from {one} to {other}")
        outcomes = {each["outcome"] for each in [*ended, *answers]}
        if len(outcomes) > 1:
            yield wrong(script, f"ended as {' and '.join(sorted(outcomes))}")
        stored = evidence.row_of(seen)
        if life.is_last and stored and outcomes and outcomes != {stored["outcome"]}:
            yield wrong(script, f"told to be {outcomes}, stored as {stored['outcome']}")


def a_cancel_ends_it(evidence: Evidence) -> Iterator[Finding]:
    """Whoever cancels is told of a prompt that has ended, one way or another."""
    for script, seen in evidence.by_script.items():
        for each in seen:
            if each.what == "cancel" and each.status == 200 and each.body["status"] != "completed":
                yield wrong(script, f"cancelled, and {each.body['status']}")


def a_retry_begins_anew(evidence: Evidence) -> Iterator[Finding]:
    """What was retried does not stay cancelled, and nothing but an answer is a reason to refuse a retry."""
    for script, seen in evidence.by_script.items():
        stored = evidence.row_of(seen)
        for each in seen:
            if each.what != "retry" or not stored:
                continue
            if each.status == 200 and stored["outcome"] == "cancelled":
                yield wrong(script, f"retried, told to be {each.body['status']}, and stored as cancelled")
            if each.status == 409 and stored["outcome"] != "succeeded":
                yield wrong(script, f"not retried though {stored['outcome']}: {each.body}")


def what_is_told_of_trouble_is_a_line(evidence: Evidence) -> Iterator[Finding]:
    """Why it was put back or failed is told in at most 300 characters, and not at all once it has succeeded."""
    for script, seen in evidence.by_script.items():
        for standing in (each.standing for each in seen if each.standing):
            error, last_error = standing.get("error"), standing.get("last_error")
            for words in (error and error["message"], last_error):
                if words is not None and (len(words) > LONGEST_WORDS or not words.isprintable()):
                    yield wrong(script, f"told of trouble in more than a line: {words!r}")
            if standing["outcome"] == "succeeded" and (error or last_error):
                yield wrong(script, f"succeeded, and told of {error or last_error}")


def each_end_has_its_reason(evidence: Evidence) -> Iterator[Finding]:
    """A cancel, a deadline of its own, or as many failures as are allowed, each explained by a strike."""
    for prompt_id, row in evidence.stored.prompts.items():
        script, asked = evidence.name_of(prompt_id), evidence.scripts_by_id.get(prompt_id)
        if asked is None:
            continue  # another rule's
        match row["outcome"], row["error_code"]:
            case "failed", "attempts_exhausted":
                explained = explained_failures(evidence, prompt_id)
                if not row["failures"] == evidence.max_failures <= explained:
                    words = f"{row['failures']} failures, {explained} explained; the last: {row['error_message']}"
                    yield wrong(script, words)
            case "failed", "timed_out" if "timeout" in asked.fields:
                pass
            case "expired", "expired" if asked.fields.get("expires_in", THREE_HOURS) < THREE_HOURS:
                pass
            case "cancelled", "cancelled" if asked.fate is Fate.CANCELLED:
                pass
            case ("succeeded", None) | (None, None):
                pass
            case outcome, code:
                yield wrong(script, f"ended as {outcome}, {code}: {row['error_message']}")


def each_failure_has_its_reason(evidence: Evidence) -> Iterator[Finding]:
    """A prompt pays for a strike at whoever had it in hand, and for nothing else."""
    for prompt_id, row in evidence.stored.prompts.items():
        if row["failures"] and prompt_id in evidence.stored.texts:
            explained = explained_failures(evidence, prompt_id)
            if row["failures"] > explained:
                words = f"{row['failures']} failures in {row['attempt']} attempts, {explained} explained"
                yield wrong(evidence.name_of(prompt_id), words)


def each_answer_was_given_to_that_prompt(evidence: Evidence) -> Iterator[Finding]:
    """Its text is the simulator's to this very prompt, and its record is one that the simulator has sent to it."""
    sent = {(call.text, call.created_at) for call in evidence.calls if call.created_at}
    for prompt_id, row in evidence.stored.prompts.items():
        script, answer = evidence.name_of(prompt_id), evidence.stored.answers.get(prompt_id)
        if (row["outcome"] == "succeeded") != (answer is not None):
            yield wrong(script, f"{row['outcome']}, with{'out' if answer is None else ''} an answer")
        asked = evidence.scripts_by_id.get(prompt_id)
        if answer is None or asked is None:
            continue
        if answer["response"] != asked.answer:
            yield wrong(script, f"the answer of something else: {answer['response']!r}")
        if (asked.text, answer["created_at"]) not in sent:
            yield wrong(script, f"an answer that nobody gave, made at {answer['created_at']}")
    for script, seen in evidence.by_script.items():
        for each in seen:
            if (
                each.status == 200
                and each.what == "result"
                and each.body["response"] != evidence.scripts[script].answer
            ):
                yield wrong(script, "told the answer of something else")
            partial = (each.standing or {}).get("partial", "")
            if not evidence.scripts[script].answer.startswith(partial):
                yield wrong(script, f"partial text of something else: {partial!r}")


def each_attempt_has_one_owner(evidence: Evidence) -> Iterator[Finding]:
    """Whoever says that it has ended an attempt has ended the newest, and one attempt alone ends the prompt."""
    last: dict[str, int] = {}
    for finish in evidence.finishes:
        row = evidence.stored.prompts.get(finish.prompt_id)
        script = evidence.name_of(finish.prompt_id)
        if row is None:
            continue  # deleted
        if finish.outcome == "retried":
            continue
        if script in evidence.retried and finish.attempt < row["attempt"]:
            continue  # of the life before
        if finish.prompt_id in last:
            yield wrong(script, f"ended by attempt {last[finish.prompt_id]} and by {finish.attempt}")
        last[finish.prompt_id] = finish.attempt
        if (finish.attempt, finish.outcome) != (row["attempt"], row["outcome"]):
            words = (
                f"attempt {finish.attempt} ended it as {finish.outcome}, stored is {row['attempt']}, {row['outcome']}"
            )
            yield wrong(script, words)


def a_stream_tells_the_whole_answer(evidence: Evidence) -> Iterator[Finding]:
    """Nothing is missed and nothing comes twice, however often it broke off."""
    for script, seen in evidence.by_script.items():
        answers = {each.body["response"] for each in seen if each.what == "result" and each.status == 200}
        for each in seen:
            if each.what == "streamed" and answers and {each.body["text"]} != answers:
                yield wrong(script, f"streamed {each.body['text']!r}")


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
        if each.may_cost_an_attempt
    )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    nothing_changes_once_it_has_ended,
    a_cancel_ends_it,
    a_retry_begins_anew,
    what_is_told_of_trouble_is_a_line,
    each_end_has_its_reason,
    each_failure_has_its_reason,
    each_answer_was_given_to_that_prompt,
    each_attempt_has_one_owner,
    a_stream_tells_the_whole_answer,
)
