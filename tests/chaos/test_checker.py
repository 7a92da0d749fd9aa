"""The checker finds what breaks each rule, and nothing where nothing is broken: else its zeros mean nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from chaos.checker import RULES, findings
from chaos.database import Contents
from chaos.evidence import Call, Evidence, Finish
from chaos.filler import Filling
from chaos.findings import Kind
from chaos.history import Seen
from chaos.official import Question
from chaos.onlooker import Tries
from chaos.owners import Revocation
from chaos.plan import Blow, Part
from chaos.prying import Listed, Pried
from chaos.script import Fate, Script, Way
from chaos.striker import Struck

ID, OTHER = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"
MADE = "2026-01-01T00:00:00.5Z"
ASKED = Script(
    name="00-0001",
    text="Question",
    tokens=5,
    fate=Fate.WAITED_FOR,
    way=Way.POLLING,
    after=0.0,
    is_retried=False,
    is_sent_twice=False,
    pause=0.0,
)


def seen(at: float, what: str, status: int, body: Any = None, *, begun: float | None = None) -> Seen:
    moment = at - 0.5 if begun is None else begun
    return Seen(begun=moment, ended=at, what=what, script=ASKED.name, prompt_id=ID, status=status, body=body)


def stands(status: str, attempt: int, outcome: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": ID, "status": status, "attempt": attempt, "outcome": outcome, **more}


def stored(**changed: Any) -> Contents:
    row: dict[str, Any] = {
        "status": "completed",
        "outcome": "succeeded",
        "priority": "interactive",
        "attempt": 2,
        "failures": 1,
        "error_code": None,
        "error_message": None,
    }
    row |= changed
    return Contents(
        integrity="ok",
        prompts={ID: row},
        texts={ID: ASKED.text},
        answers={ID: {"response": ASKED.answer, "created_at": MADE}} if row["outcome"] == "succeeded" else {},
        keys={ASKED.key: ID},
        orphans=0,
        counters=Counter({(row["status"], "interactive"): 1}),
    )


ANSWER = {"id": ID, "status": "completed", "outcome": "succeeded", "response": ASKED.answer}
HISTORY = (
    seen(1, "submit", 202, {"id": ID, "status": "queued"}),
    seen(2, "status", 200, stands("processing", 1)),
    seen(3, "status", 200, stands("queued", 1)),
    seen(4, "status", 200, stands("processing", 2)),
    seen(5, "status", 200, stands("completed", 2, "succeeded")),
    seen(6, "result", 200, ANSWER),
    seen(7, "streamed", 200, {"of_attempt": 2, "text": ASKED.answer}),
)
WHOLE = Evidence(
    history=HISTORY,
    scripts={ASKED.name: ASKED},
    stored=stored(),
    looks=[[Tries(prompt_id=ID, attempt=1, failures=0)], [Tries(prompt_id=ID, attempt=2, failures=1)]],
    calls=[
        Call(text=ASKED.text, received=1.5, ended=2.5, end="client_closed", created_at=None),
        Call(text=ASKED.text, received=3.5, ended=4.5, end="finished", created_at=MADE),
    ],
    finishes=[Finish(prompt_id=ID, attempt=2, outcome="succeeded")],
    struck=[Struck(begun=2.4, ended=2.4, part=Part.WORKER, blow=Blow.KILL, hit=1)],
    fillings=[Filling(begun=8, ended=12, accepted=20, full_at=9)],
    questions=[],
    max_failures=3,
)
OFFICIAL = Question(way="openai chat", text=ASKED.text, tokens=5, leaves_after=None, begun=1, ended=5, had=ASKED.answer)
"""Another client's, who asked the same: so that it is stored, and answered."""
CUT = replace(OFFICIAL, had=ASKED.answer[:3], raised="openai.APIConnectionError")
FAILED = {
    "outcome": "failed",
    "attempt": 3,
    "failures": 3,
    "error_code": "attempts_exhausted",
    "error_message": "Gave up",
}
NO_MORE: tuple[Seen, ...] = HISTORY[:4]
FULL = {"error": {"code": "storage_full"}}
NOT_RETRYABLE = {"error": {"code": "not_retryable"}}
RETRIED = (
    *HISTORY[:2],
    seen(2.5, "cancel", 200, stands("completed", 1, "cancelled"), begun=2.1),
    seen(2.9, "retry", 200, stands("queued", 1), begun=2.6),
    *(replace(each, begun=each.begun + 1, ended=each.ended + 1) for each in HISTORY[3:]),
)
"""Cancelled in its first attempt, retried, and answered in its second."""


REFUSED = {"error": {"code": "unauthorized"}}
UNKNOWN = (404, "No prompt has the id ID.")
LIST = Listed(owner="anna", key="a1", begun=8, ended=8.5, status=200, ids=[ID], owners=frozenset(("anna",)))
PRIED = Pried(owner="bert", key="b1", what="GET /status", begun=8, ended=8.5, answers=(UNKNOWN, UNKNOWN))
OWNED = replace(
    WHOLE,
    history=[replace(each, owner="anna", key="a1") for each in HISTORY],
    stored=replace(stored(owner=2), owners={2: "anna", 3: "bert"}),
    revocations=[Revocation(key="a1", begun=8.6, ended=8.8), Revocation(key="b1", begun=8.6, ended=8.8)],
    listed=[LIST],
    pried=[PRIED],
)
"""The same, where the prompt is anna's."""
ANNAS = replace(OFFICIAL, owner="anna", key="a1")


def owned_and_then(*more: Seen, **changed: Any) -> Evidence:
    return replace(OWNED, history=[*OWNED.history, *more], **changed)


def by(owner: str, key: str, seen: Seen) -> Seen:
    return replace(seen, owner=owner, key=key)


def and_then(*more: Seen) -> Evidence:
    return replace(WHOLE, history=(*HISTORY, *more))


def troubled(told: dict[str, Any]) -> Evidence:
    """The same, but that where it stood back in line more was told."""
    return replace(WHOLE, history=(*HISTORY[:2], seen(3, "status", 200, stands("queued", 1, **told)), *HISTORY[3:]))


def with_stored(**changed: Any) -> Evidence:
    return replace(WHOLE, stored=replace(WHOLE.stored, **changed))


def with_question(question: Question, **changed: Any) -> Evidence:
    return replace(WHOLE, questions=[question], **changed)


BROKEN = {
    "not stored": (Kind.LOST, with_stored(prompts={}, texts={}, answers={}, counters=Counter())),
    "answered 404": (Kind.LOST, and_then(seen(8, "status", 404))),
    "accepted twice": (Kind.WRONG, and_then(replace(HISTORY[0], prompt_id=OTHER))),
    "stored twice": (Kind.WRONG, with_stored(texts={ID: ASKED.text, OTHER: ASKED.text})),
    "asked by nobody": (Kind.WRONG, with_stored(texts={ID: ASKED.text, OTHER: "?"})),
    "there after its deletion": (
        Kind.WRONG,
        and_then(seen(8, "deleting", 0), seen(9, "delete", 204), seen(10, "result", 200, ANSWER)),
    ),
    "never ended": (
        Kind.STUCK,
        replace(WHOLE, history=NO_MORE, stored=stored(status="processing", outcome=None), finishes=[]),
    ),
    "back to queued": (Kind.WRONG, and_then(seen(8, "status", 200, stands("queued", 2)))),
    "back to the attempt before": (
        Kind.WRONG,
        replace(WHOLE, history=(*HISTORY[:4], seen(4.9, "status", 200, stands("queued", 1)), *HISTORY[4:])),
    ),
    "an event back": (
        Kind.WRONG,
        and_then(
            seen(8, "event", 200, stands("completed", 2, "succeeded"), begun=0.6),
            seen(9, "event", 200, stands("processing", 2), begun=0.6),
        ),
    ),
    "queued again for a repeated submission": (Kind.WRONG, and_then(seen(8, "submit", 202, {"status": "queued"}))),
    "fewer attempts": (Kind.WRONG, replace(WHOLE, looks=[[Tries(prompt_id=ID, attempt=3, failures=1)]])),
    "fewer failures": (Kind.WRONG, replace(WHOLE, looks=[[Tries(prompt_id=ID, attempt=2, failures=2)]])),
    "too many failures": (Kind.WRONG, replace(WHOLE, stored=stored(attempt=4, failures=4), finishes=[])),
    "another status after the end": (Kind.WRONG, and_then(seen(8, "status", 200, stands("completed", 3, "succeeded")))),
    "another answer after the end": (Kind.WRONG, and_then(seen(8, "result", 200, ANSWER | {"eval_count": 2}))),
    "answered though cancelled": (Kind.WRONG, and_then(seen(8, "cancel", 200, stands("completed", 2, "cancelled")))),
    "not ended by a cancel": (
        Kind.WRONG,
        replace(WHOLE, history=(*NO_MORE, seen(4.5, "cancel", 200, stands("processing", 2)), *HISTORY[4:])),
    ),
    "charged for a server that was killed": (
        Kind.WRONG,
        replace(WHOLE, struck=[Struck(begun=2.4, ended=9, part=Part.SERVER, blow=Blow.KILL, hit=1)]),
    ),
    "failed with no strike": (Kind.WRONG, replace(WHOLE, history=NO_MORE, stored=stored(**FAILED), struck=[])),
    "failed too early": (Kind.WRONG, replace(WHOLE, history=NO_MORE, stored=stored(**FAILED | {"failures": 2}))),
    "timed out though it had the time": (
        Kind.WRONG,
        replace(WHOLE, history=NO_MORE, stored=stored(**FAILED | {"error_code": "timed_out"})),
    ),
    "succeeded without an answer": (Kind.WRONG, with_stored(answers={})),
    "another's answer": (Kind.WRONG, with_stored(answers={ID: {"response": "Hi", "created_at": MADE}})),
    "an answer that nobody gave": (Kind.WRONG, replace(WHOLE, calls=WHOLE.calls[:1])),
    "told another's answer": (
        Kind.WRONG,
        replace(WHOLE, history=(*HISTORY[:5], seen(6, "result", 200, ANSWER | {"response": "Hi"}))),
    ),
    "ended by a stale attempt": (
        Kind.WRONG,
        replace(WHOLE, finishes=[Finish(prompt_id=ID, attempt=1, outcome="succeeded")]),
    ),
    "ended twice": (Kind.WRONG, replace(WHOLE, finishes=[*WHOLE.finishes, *WHOLE.finishes])),
    "streamed twice": (
        Kind.WRONG,
        and_then(seen(8, "streamed", 200, {"of_attempt": 2, "text": ASKED.answer * 2})),
    ),
    "cancelled though it was retried": (
        Kind.WRONG,
        replace(WHOLE, history=RETRIED[:4], stored=stored(outcome="cancelled", error_code="cancelled"), finishes=[]),
    ),
    "not retried though cancelled": (
        Kind.WRONG,
        replace(
            WHOLE,
            history=(*RETRIED[:3], seen(2.9, "retry", 409, NOT_RETRYABLE)),
            stored=stored(outcome="cancelled", error_code="cancelled"),
            finishes=[],
        ),
    ),
    "back to queued after its retry": (
        Kind.WRONG,
        replace(WHOLE, history=(*RETRIED, seen(12, "status", 200, stands("queued", 2)))),
    ),
    "told of trouble in a page": (Kind.WRONG, troubled({"last_error": "<html>\n"})),
    "told of trouble at length": (Kind.WRONG, troubled({"last_error": "x" * 301})),
    "told of trouble once it has succeeded": (
        Kind.WRONG,
        and_then(seen(8, "status", 200, stands("completed", 2, "succeeded", last_error="?"))),
    ),
    "a 503 of no contract": (Kind.WRONG, and_then(seen(8, "status", 503, {"error": {"code": "tired"}}))),
    "no room though nobody fills it": (Kind.WRONG, and_then(seen(7, "submit", 503, FULL))),
    "no room to look": (Kind.WRONG, and_then(seen(10, "status", 503, FULL))),
    "more than there is room for": (
        Kind.WRONG,
        replace(WHOLE, fillings=[Filling(begun=8, ended=12, accepted=60, full_at=None, overran=True)]),
    ),
    "lost one of those that filled it": (
        Kind.LOST,
        replace(WHOLE, fillings=[Filling(begun=8, ended=12, accepted=20, full_at=9, lost=1)]),
    ),
    "an error 500": (Kind.WRONG, and_then(seen(8, "status", 500))),
    "a client that waits for ever": (Kind.STUCK, with_question(replace(OFFICIAL, ended=None, had=""))),
    "half an answer": (Kind.WRONG, with_question(replace(OFFICIAL, had=ASKED.answer[:3]))),
    "an answer that repeats itself": (Kind.WRONG, with_question(replace(CUT, had=ASKED.answer[:3] * 2))),
    "an answer that breaks its client": (Kind.WRONG, with_question(replace(CUT, raised="builtins.TypeError"))),
    "a refusal that is none": (Kind.WRONG, with_question(replace(CUT, status=422))),
    "a failure that is not stored": (Kind.WRONG, with_question(replace(CUT, status=500))),
    "an answer that is not stored": (
        Kind.LOST,
        with_question(OFFICIAL, history=NO_MORE, stored=stored(**FAILED), finishes=[]),
    ),
    "a broken file": (Kind.WRONG, with_stored(integrity="row 1 missing from index")),
    "text of a deleted prompt": (Kind.WRONG, with_stored(orphans=1)),
    "a wrong counter": (Kind.WRONG, with_stored(counters=Counter({("queued", "interactive"): 1}))),
    "told to another": (Kind.WRONG, owned_and_then(by("bert", "b1", seen(8, "status", 200, HISTORY[4].body)))),
    "accepted as another's": (
        Kind.WRONG,
        owned_and_then(
            by("bert", "b1", replace(HISTORY[0], script="01-0001")), scripts=WHOLE.scripts | {"01-0001": ASKED}
        ),
    ),
    "stored as another's": (Kind.WRONG, replace(OWNED, stored=replace(stored(owner=3), owners=OWNED.stored.owners))),
    "a call's prompt stored as another's": (
        Kind.WRONG,
        replace(OWNED, history=[], listed=[], questions=[replace(ANNAS, owner="bert", key="b1")]),
    ),
    "another's in a list": (Kind.WRONG, replace(OWNED, listed=[replace(LIST, owner="bert", owners=frozenset())])),
    "another's name in a list": (
        Kind.WRONG,
        replace(OWNED, listed=[replace(LIST, ids=[], owners=frozenset(("bert",)))]),
    ),
    "another's prompt told": (Kind.WRONG, replace(OWNED, pried=[replace(PRIED, answers=((200, "{}"), UNKNOWN))])),
    "another's prompt deleted": (Kind.WRONG, replace(OWNED, pried=[replace(PRIED, answers=((204, ""), UNKNOWN))])),
    "another's prompt told from none": (
        Kind.WRONG,
        replace(OWNED, pried=[replace(PRIED, answers=((404, "It is not yours."), UNKNOWN))]),
    ),
    "served by a revoked key": (
        Kind.WRONG,
        owned_and_then(by("anna", "a1", seen(12, "status", 200, HISTORY[4].body, begun=10.9))),
    ),
    "a list for a revoked key": (Kind.WRONG, replace(OWNED, listed=[replace(LIST, begun=10.9, ended=12)])),
    "another's prompt sought by a revoked key": (
        Kind.WRONG,
        replace(OWNED, pried=[replace(PRIED, begun=10.9, ended=12)]),
    ),
    "a call by a revoked key": (Kind.WRONG, replace(OWNED, questions=[replace(ANNAS, begun=10.9, ended=12)])),
    "refused with a good key": (Kind.WRONG, owned_and_then(by("anna", "a1", seen(8.5, "status", 401, REFUSED)))),
    "a call refused with a good key": (
        Kind.WRONG,
        replace(OWNED, questions=[replace(ANNAS, had="", raised="openai.AuthenticationError", status=401)]),
    ),
    "a key asked for though there is none": (Kind.WRONG, and_then(seen(8, "status", 401, REFUSED))),
    "a limit where there are no owners": (
        Kind.WRONG,
        and_then(seen(8, "status", 429, {"error": {"code": "quota_exceeded"}})),
    ),
    "a 401 of no contract": (Kind.WRONG, owned_and_then(by("anna", "a1", seen(9, "status", 401, FULL)))),
    "a wrong count of an owner's": (Kind.WRONG, with_stored(miscounted=["owner 0 has 1 running, and a count gives 0"])),
}


def test_nothing_is_found_where_nothing_is_broken() -> None:
    assert findings(WHOLE) == []


def test_nothing_is_found_among_owners_where_nothing_is_broken() -> None:
    served_until_all_have_heard = by("anna", "a1", seen(10.9, "status", 200, HISTORY[4].body, begun=10.7))
    refused_from_the_revocation_on = by("anna", "a1", seen(8.7, "status", 401, REFUSED))
    beyond_a_limit = by("anna", "a2", seen(20, "status", 429, {"error": {"code": "quota_exceeded"}}))
    unavailable = by("anna", "a1", seen(20, "status", 503, {"error": {"code": "storage_unavailable"}}))
    more = (served_until_all_have_heard, refused_from_the_revocation_on, beyond_a_limit, unavailable)

    assert findings(owned_and_then(*more, questions=[ANNAS])) == []


def test_a_submission_may_be_refused_while_somebody_fills_the_room() -> None:
    assert findings(and_then(seen(10, "submit", 503, FULL))) == []


def test_a_client_that_was_answered_cut_off_or_that_left_is_not_held_against_the_product() -> None:
    left = replace(OFFICIAL, leaves_after=2, had=ASKED.answer[:3])
    refused = replace(CUT, raised="ollama._types.ResponseError", had="", status=503)

    assert findings(replace(WHOLE, questions=[OFFICIAL, CUT, left, refused])) == []


def test_a_prompt_that_was_cancelled_and_retried_is_not_held_against_the_product() -> None:
    assert findings(replace(WHOLE, history=RETRIED)) == []


@pytest.mark.parametrize(("kind", "evidence"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_found(kind: Kind, evidence: Evidence) -> None:
    assert kind in {finding.kind for finding in findings(evidence)}


def test_every_rule_finds_something() -> None:
    finding = {rule for rule in RULES for _, evidence in BROKEN.values() if list(rule(evidence))}

    assert finding == set(RULES)


def test_a_prompt_whose_worker_was_cut_off_in_silence_may_be_charged() -> None:
    silence = Struck(begun=2.0, ended=4.0, part=Part.CABLE, blow=Blow.HUSH, hit=1)

    assert findings(replace(WHOLE, struck=[silence])) == []


def test_a_prompt_that_its_kills_have_failed_is_not_held_against_the_product() -> None:
    kills = [Struck(begun=at, ended=at, part=Part.WORKER, blow=Blow.KILL, hit=1) for at in (2.0, 4.0)]
    evidence = replace(WHOLE, history=NO_MORE, stored=stored(**FAILED), struck=kills, finishes=[])

    assert findings(evidence) == []
