"""What holds between owners: the rules of the checker about keys, and about what is whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.findings import Finding, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos.evidence import Evidence

SERVED_FOR = 2.0  # seconds after its revocation that a key may be taken for good
TOLD = (200, 202, 204, 410)
UNANSWERED = (0, 503)
OWN_LIMIT = 429
REFUSED = 401


def nobody_sees_what_is_anothers(evidence: Evidence) -> Iterator[Finding]:
    """Whatever was told of a prompt was told to its owner, and it is stored as that owner's."""
    told: list[tuple[str, str, str | None]] = [
        (each.script, each.owner, each.prompt_id) for each in evidence.history if each.status in TOLD
    ]
    told += [("a list", each.owner, prompt_id) for each in evidence.listed for prompt_id in each.ids]
    of_texts = {question.text: question for question in evidence.questions}
    for prompt_id, text in evidence.stored.texts.items():
        if text in of_texts:
            told.append((of_texts[text].way, of_texts[text].owner, prompt_id))
    whose = {each.prompt_id: each.owner for each in evidence.history if each.what == "submit" and each.status == 202}
    for about, owner, prompt_id in dict.fromkeys(told):
        stored = evidence.stored.owner_of(prompt_id)
        for other in dict.fromkeys((stored, whose.get(prompt_id))):
            if owner and other and other != owner:
                yield wrong(about, f"{owner} was told of {prompt_id}, which is {other}'s")
    for each in evidence.listed:
        if each.owners - {each.owner}:
            yield wrong("a list", f"{each.owner}'s names {', '.join(sorted(each.owners))}")


def what_is_anothers_is_as_what_never_was(evidence: Evidence) -> Iterator[Finding]:
    """The same 404, whatever is asked."""
    for each in evidence.pried:
        (status, body), (never, words) = each.answers
        if status not in (404, REFUSED, OWN_LIMIT, *UNANSWERED):
            yield wrong(each.what, f"{each.owner} was answered {status} about another's prompt: {body}")
        if (status, never) == (404, 404) and body != words:
            yield wrong(each.what, f"another's prompt is told from none: {body!r}, {words!r}")


def a_revoked_key_serves_no_more(evidence: Evidence) -> Iterator[Finding]:
    """No request that began two seconds after its revocation, in whichever process."""
    revoked = {each.key: each.ended + SERVED_FOR for each in evidence.revocations}
    for asked in _asked(evidence):
        if asked.begun > revoked.get(asked.key, float("inf")) and asked.status not in (REFUSED, *UNANSWERED):
            late = asked.begun - revoked[asked.key] + SERVED_FOR
            yield wrong(asked.about, f"answered {asked.status}, {late:.1f} s after the key {asked.key} was revoked")


def a_good_key_is_served(evidence: Evidence) -> Iterator[Finding]:
    """Nobody is refused for want of a key who has one that nobody had begun to revoke, or who needs none."""
    revoked = {each.key: each.begun for each in evidence.revocations}
    for asked in _asked(evidence):
        if asked.status == REFUSED and revoked.get(asked.key, float("inf")) > asked.ended:
            yield wrong(asked.about, f"refused, though the key {asked.key or 'that nobody needs'} was good")
        if asked.status == OWN_LIMIT and not asked.key:
            yield wrong(asked.about, "held to a limit, and there are no owners")


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    nobody_sees_what_is_anothers,
    what_is_anothers_is_as_what_never_was,
    a_revoked_key_serves_no_more,
    a_good_key_is_served,
)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One request, whoever sent it; status 0 when its answer was none of HTTP's."""

    about: str
    key: str
    begun: float
    ended: float
    status: int


def _asked(evidence: Evidence) -> Iterator[_Asked]:
    for seen in evidence.history:
        if seen.what != "deleting":
            yield _Asked(about=seen.script, key=seen.key, begun=seen.begun, ended=seen.ended, status=seen.status)
    for listed in evidence.listed:
        yield _Asked(about="a list", key=listed.key, begun=listed.begun, ended=listed.ended, status=listed.status)
    for pried in evidence.pried:
        for status, _ in pried.answers:
            yield _Asked(about=pried.what, key=pried.key, begun=pried.begun, ended=pried.ended, status=status)
    for question in evidence.questions:
        if question.ended is not None:
            # What was not refused was served, unless a connection broke.
            status = question.status or (200 if question.raised is None else 0)
            yield _Asked(
                about=question.way, key=question.key, begun=question.begun, ended=question.ended, status=status
            )
