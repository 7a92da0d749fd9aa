"""What an end costs its prompt and the line, by whose fault it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Claim, Priority, Prompt, Status, Terms, Trouble
from support.waiting import until
from worker.drain import Drain
from worker.ollama.call_end import CallEnd, EndKind
from worker.server.gate import LEFT_AFTER, Gate, is_left
from worker.server.verdict import Verdict

BUSY = CallEnd(kind=EndKind.REJECTED, status=503, words="server busy", in_json=True)
REFUSED = CallEnd(kind=EndKind.NOT_CONNECTED, words="Connection refused")
BROKEN = CallEnd(kind=EndKind.BROKEN)


def claim(prompt_id="mine", **trouble):
    prompt = Prompt(
        id=prompt_id,
        status=Status.PROCESSING,
        outcome=None,
        priority=Priority.INTERACTIVE,
        attempt=1,
        failures=0,
        tokens=None,
        created_at=0.0,
        started_at=0.0,
        completed_at=None,
        expires_at=None,
        error=None,
        last_error=None,
        metadata=None,
        timeout=None,
        overdue=False,
    )
    return Claim(prompt=prompt, request={"prompt": "Hi"}, terms=Terms(worker="w"), trouble=Trouble(**trouble))


@pytest.fixture
def gate():
    """One whose server is well."""
    gate = Gate(patience=300, drain=Drain())
    gate.admit(2)
    gate.reopen(gate.hold)
    return gate


def end(gate, ending, verdict, of=None, who="a slot"):
    return gate.ended(of or claim(), ending, verdict, who=who, claimed_at=0.0)


def test_at_first_nothing_is_claimed_for_nobody_has_seen_the_server():
    gate = Gate(patience=300, drain=Drain())
    gate.admit(1)

    assert (gate.is_well, gate.may_claim("a slot", 0)) == (False, False)
    assert gate.reopen(gate.hold)
    assert (gate.is_well, gate.may_claim("a slot", 0)) == (True, True)


def test_so_many_prompts_may_be_in_hand_as_slots_are_held(gate):
    assert [gate.may_claim(who, 0) for who in ("a slot", "another", "a third")] == [True, True, False]

    gate.done("a slot")

    assert gate.may_claim("a third", 0)


def test_who_waits_is_let_in_at_once_when_a_slot_is_taken():
    gate = Gate(patience=300, drain=Drain())
    gate.reopen(gate.hold)
    waiting = ThreadPoolExecutor()
    let_in = waiting.submit(gate.may_claim, "a slot", 60)
    until(lambda: gate._moved._waiters)

    gate.admit(1)

    assert let_in.result(5)


def test_who_waits_for_a_slot_is_let_in_at_once_when_another_needs_none_any_more(gate):
    gate.admit(1)
    gate.may_claim("a slot", 0)
    waiting = ThreadPoolExecutor()
    let_in = waiting.submit(gate.may_claim, "another", 60)
    until(lambda: gate._moved._waiters)

    gate.done("a slot")

    assert let_in.result(5)


def test_what_is_in_hand_when_a_slot_gets_lost_is_ended_and_nothing_claimed_after_it(gate):
    for who in ("a slot", "another"):
        gate.may_claim(who, 0)
    before = gate.may_go_on

    gate.admit(1)

    assert (before, gate.may_go_on) == (True, False)
    gate.done("another")
    assert gate.may_go_on


def test_the_servers_fault_holds_the_line_and_costs_nothing(gate):
    assert end(gate, BUSY, Verdict.TROUBLED) is None

    assert (gate.is_well, gate.may_claim("a slot", 0)) == (False, False)
    assert (gate.report.state, gate.report.reason) == (ModelState.TROUBLED, "server busy")
    assert gate.hold.by_load


def test_what_comes_again_after_a_proof_stops_the_line_no_longer(gate):
    end(gate, BUSY, Verdict.TROUBLED)
    gate.reopen(gate.hold)

    put_back = end(gate, BUSY, Verdict.TROUBLED)

    assert gate.is_well
    assert (put_back.cause, put_back.counts, put_back.delay) == ("server busy", False, 0)
    assert end(gate, BUSY, Verdict.TROUBLED, of=claim("another")) is None


def test_a_server_that_lets_nobody_connect_costs_nothing_however_often(gate):
    for _ in range(5):
        assert end(gate, REFUSED, Verdict.AWAY) is None
        assert gate.report.state is ModelState.UNREACHABLE
        gate.reopen(gate.hold)


def test_a_prompt_that_is_in_hand_each_time_the_server_goes_lets_others_pass_and_pays_only_where_they_are_answered(
    gate,
):
    gate.answered("before")
    assert end(gate, BROKEN, Verdict.AWAY) is None
    gate.reopen(gate.hold)

    second = end(gate, BROKEN, Verdict.AWAY)
    assert not second.counts
    assert not gate.is_well
    gate.reopen(gate.hold)
    gate.answered("another")
    third = end(gate, BROKEN, Verdict.AWAY, of=claim(bad_ends=1, since=5.0, last=1.0))

    assert (third.counts, third.delay > 0) == (True, True)


def test_three_ends_that_nobody_can_explain_are_trouble_whoever_they_hit(gate):
    for number in range(3):
        assert gate.is_well
        end(gate, BROKEN, Verdict.UNCLEAR, of=claim(f"prompt {number}"))

    assert (gate.is_well, gate.report.state) == (False, ModelState.TROUBLED)
    assert "the connection to the model server broke off" in gate.report.reason
    assert gate.may_claim("a slot", 2)
    assert not gate.may_claim("another", 0)
    gate.answered("prompt 0")
    assert gate.is_well


def test_a_server_that_came_back_is_as_good_as_new(gate):
    for number in range(3):
        end(gate, BROKEN, Verdict.UNCLEAR, of=claim(f"prompt {number}"))
    gate.shut(Verdict.AWAY, "gone")

    gate.reopen(gate.hold)

    assert gate.is_well


def test_a_hold_that_was_renewed_meanwhile_is_not_let_go(gate):
    gate.shut(Verdict.AWAY, "gone")
    hold = gate.hold
    end(gate, BUSY, Verdict.TROUBLED)

    assert not gate.reopen(hold)
    assert not gate.is_well


def test_the_words_of_an_unexplained_end_are_shown_with_its_own_prompt_alone(gate):
    secret = CallEnd(kind=EndKind.ERROR_LINE, words="error parsing tool call: raw='my secret'", in_json=True)

    for _ in range(3):
        put_back = end(gate, secret, Verdict.UNCLEAR)

    assert "my secret" in put_back.cause
    assert "my secret" not in gate.report.reason


@pytest.mark.parametrize(("is_well", "slots", "counts"), [(True, 1, False), (False, 1, True), (True, 0, True)])
def test_a_first_end_that_nobody_can_explain_counts_where_no_other_server_could_have_the_prompt(
    gate, is_well, slots, counts
):
    other = Gate(patience=300, drain=Drain())
    gate.others = [other]
    other.admit(slots)
    if is_well:
        other.reopen(other.hold)
    gate.answered("another")

    assert end(gate, BROKEN, Verdict.UNCLEAR).counts is counts


def test_a_prompt_that_another_server_brought_to_a_bad_end_counts_where_this_one_answers(gate):
    other = Gate(patience=300, drain=Drain())
    other.others, gate.others = [gate], [other]
    assert not end(other, BROKEN, Verdict.UNCLEAR).counts
    gate.answered("another")

    assert end(gate, BROKEN, Verdict.UNCLEAR, of=claim(bad_ends=1, since=1.0, last=-1e9)).counts


@pytest.mark.parametrize(
    ("verdict", "silent_for", "heard_before", "is_well", "expected"),
    [
        (Verdict.AWAY, LEFT_AFTER, LEFT_AFTER, True, True),
        (Verdict.AWAY, LEFT_AFTER - 1, LEFT_AFTER, True, False),
        (Verdict.AWAY, LEFT_AFTER, LEFT_AFTER - 1, True, False),
        (Verdict.AWAY, LEFT_AFTER, LEFT_AFTER, False, False),
        (Verdict.TROUBLED, LEFT_AFTER, LEFT_AFTER, True, False),
    ],
)
def test_a_call_is_left_where_its_server_answers_nobody_for_long_and_another_could_have_the_prompt(
    gate, monkeypatch, verdict, silent_for, heard_before, is_well, expected
):
    other = Gate(patience=300, drain=Drain())
    gate.others = [other]
    other.admit(1)
    if is_well:
        other.reopen(other.hold)
    gate.shut(verdict, "no answer")
    since = gate.hold.since

    monkeypatch.setattr(time, "monotonic", lambda: since + silent_for)

    assert is_left(gate, since + silent_for - heard_before) is expected
