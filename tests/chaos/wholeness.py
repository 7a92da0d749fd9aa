"""What holds for the makers' own clients: the rules of the checker about calls that are held until they end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from chaos.findings import Finding, Kind, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chaos.evidence import Evidence

OF_THE_CLIENTS = ("ollama", "openai", "anthropic", "httpx", "httpx2", "httpcore", "httpcore2")
"""Whose exceptions tell a program what happened. `ollama` raises Python's own ConnectionError beside them."""
REFUSALS = {None, 200, 401, 410, 429, 500, 503}
"""Which of those for keys and limits are right `privacy` says. 200 is that of an answer that ended with an error."""


def every_call_ends(evidence: Evidence) -> Iterator[Finding]:
    """With an answer or an exception, once the faults stop."""
    for question in evidence.questions:
        if question.ended is None:
            yield Finding(Kind.STUCK, question.way, f"still waits for {question.text!r}, with {question.had!r}")


def a_client_has_the_whole_answer_or_an_exception(evidence: Evidence) -> Iterator[Finding]:
    """Never less than the answer, never a part twice, and nothing of another's."""
    for question in evidence.questions:
        is_read_to_the_end = question.raised is None and question.leaves_after is None
        if question.ended is not None and is_read_to_the_end and question.had != question.answer:
            yield wrong(question.way, f"{question.had!r} passed for {question.answer!r}")
        if not question.answer.startswith(question.had):
            yield wrong(question.way, f"had {question.had!r}, which is no beginning of {question.answer!r}")


def an_exception_tells_what_happened(evidence: Evidence) -> Iterator[Finding]:
    """It is one that the client makes for what a server does, not one that a broken answer made of it."""
    stored = _outcomes(evidence)
    for question in evidence.questions:
        if question.raised is None:
            continue
        told = f"{question.raised}, {question.status}: {question.words}"
        if question.raised.partition(".")[0] not in OF_THE_CLIENTS and question.raised != "builtins.ConnectionError":
            yield wrong(question.way, f"met {told}")
        if (question.status if question.status != -1 else None) not in REFUSALS:
            yield wrong(question.way, f"was refused: {told}")
        if question.status == 500 and "failed" not in stored[question.text]:
            yield wrong(question.way, f"was told of a failure that is not stored: {told}")


def what_a_client_has_is_stored(evidence: Evidence) -> Iterator[Finding]:
    """Whoever was answered finds the prompt; one whose client left or was cut off ends for a reason of its own."""
    stored = _outcomes(evidence)
    for question in evidence.questions:
        is_answered = question.ended is not None and question.raised is None and question.leaves_after is None
        if is_answered and "succeeded" not in stored[question.text]:
            yield Finding(Kind.LOST, question.way, f"answered, and stored as {stored[question.text] or 'nothing'}")


def _outcomes(evidence: Evidence) -> Mapping[str, list[Any]]:
    """How the prompts of each text ended: a client that asks again after a break may have more than one."""
    found = defaultdict(list)
    for prompt_id, text in evidence.stored.texts.items():
        found[text].append(evidence.stored.prompts.get(prompt_id, {}).get("outcome"))
    return found


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    every_call_ends,
    a_client_has_the_whole_answer_or_an_exception,
    an_exception_tells_what_happened,
    what_a_client_has_is_stored,
)
