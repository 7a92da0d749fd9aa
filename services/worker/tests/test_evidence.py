"""What counts as a prompt's failure where nobody knows whose fault an end is."""

from __future__ import annotations

import pytest
from promptqueue.prompt import Trouble
from worker.server.evidence import LATELY, MOST_REMEMBERED, Evidence

PATIENCE = 300.0
NEVER = Trouble()


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def evidence(clock):
    return Evidence(patience=PATIENCE, clock=clock)


def test_the_first_bad_end_counts_where_another_prompt_was_answered_within_a_minute(evidence, clock):
    evidence.answered("other")

    clock.passes(LATELY - 1)

    assert evidence.ended_badly("mine", NEVER, claimed_at=clock.now)


def test_the_first_bad_end_does_not_count_where_the_last_answer_is_older_or_there_was_none(evidence, clock):
    assert not evidence.ended_badly("mine", NEVER, claimed_at=clock.now)

    evidence.answered("other")
    clock.passes(LATELY)

    assert not evidence.ended_badly("yours", NEVER, claimed_at=clock.now)


def test_the_first_bad_end_does_not_count_where_the_last_to_end_badly_was_another_prompt(evidence, clock):
    evidence.answered("other")
    evidence.ended_badly("yours", NEVER, claimed_at=clock.now)

    assert not evidence.ended_badly("mine", NEVER, claimed_at=clock.now)


def test_a_later_bad_end_counts_only_where_another_was_answered_since_the_last(evidence, clock):
    evidence.answered("other")
    claimed_at = clock.passes(10)
    trouble = Trouble(bad_ends=1, since=5.0, last=5.0)

    assert not evidence.ended_badly("mine", trouble, claimed_at=claimed_at)
    clock.passes(1)
    evidence.answered("other")
    assert evidence.ended_badly("mine", trouble, claimed_at=claimed_at)


def test_a_bad_end_counts_once_the_prompts_patience_is_over(evidence, clock):
    trouble = Trouble(bad_ends=7, since=PATIENCE - 10, last=20.0)
    claimed_at = clock.now

    clock.passes(9)
    assert not evidence.ended_badly("mine", trouble, claimed_at=claimed_at)
    clock.passes(1)
    assert evidence.ended_badly("mine", trouble, claimed_at=claimed_at)


def test_bad_ends_before_the_machine_was_started_are_no_evidence(evidence, clock):
    evidence.answered("other")

    assert evidence.ended_badly("mine", Trouble(bad_ends=2), claimed_at=clock.now)


def test_an_end_is_put_down_to_the_server_until_it_has_proved_that_it_can_serve(evidence):
    assert evidence.excuses("mine", "rejected 503")
    assert evidence.excuses("mine", "rejected 503")
    evidence.proved()

    assert not evidence.excuses("mine", "rejected 503")
    assert evidence.excuses("mine", "rejected 429")
    assert evidence.excuses("yours", "rejected 503")


def test_an_end_that_comes_again_counts_only_where_another_was_answered_since_the_excused_one(evidence, clock):
    evidence.answered("other")
    evidence.excuses("mine", "rejected 503")
    evidence.proved()
    clock.passes(1)

    assert not evidence.ended_badly("mine", NEVER, claimed_at=clock.now)
    evidence.answered("other")
    assert evidence.ended_badly("mine", NEVER, claimed_at=clock.now)


def test_an_answer_ends_the_excuses_of_its_prompt(evidence):
    evidence.excuses("mine", "rejected 503")
    evidence.proved()
    evidence.answered("mine")

    assert evidence.excuses("mine", "rejected 503")


def test_no_more_prompts_are_remembered_than_there_is_use_for(evidence):
    for number in range(MOST_REMEMBERED + 1):
        evidence.excuses(str(number), "rejected 503")
    evidence.proved()

    assert evidence.excuses("0", "rejected 503")
    assert not evidence.excuses(str(MOST_REMEMBERED), "rejected 503")


# ---- several servers -------------------------------------------------------------------------------------------------


class Servers:
    """Two servers, A and B, which answer prompts and bring them to bad ends, one thing a second, as they are told.

    `A+other`: A answers that prompt. `B-mine`: it ends badly on B. `C`: a worker of another process brought this
    prompt to a bad end. `retried`: it was put into the line again by somebody. `minute`: that long nothing happens.
    """

    def __init__(self, clock, well):
        self._clock, self._well = clock, well
        self._evidence = {name: Evidence(patience=PATIENCE, clock=clock) for name in "AB"}
        self._ends = {}  # of each prompt, when

    def do(self, step):
        """Do a step; whether it counted as its prompt's failure."""
        self._clock.passes(LATELY if step == "minute" else 1)
        if step == "retried":
            self._ends.clear()
        if step == "C":
            self._ends.setdefault("mine", []).append(self._clock.now)
        if step[1:2] == "+":
            self._evidence[step[0]].answered(step[2:])
        return step[1:2] == "-" and self._end(step[0], step[2:])

    def _end(self, name, prompt):
        ends, now = self._ends.setdefault(prompt, []), self._clock.now
        trouble = Trouble(bad_ends=len(ends), since=now - ends[0], last=now - ends[-1]) if ends else NEVER
        ends.append(now)
        [other] = {*"AB"} - {name}
        return self._evidence[name].ended_badly(
            prompt,
            trouble,
            claimed_at=now,
            elsewhere=[self._evidence[other]],
            may_try_elsewhere=other in self._well,
        )


@pytest.mark.parametrize(
    ("well", "story", "counts"),
    [
        # Its first bad end.
        ("A", "A+other A-mine", True),
        ("AB", "A+other A-mine", False),  # B will tell
        ("A", "B+other A-mine", False),  # what B answers says nothing of A
        ("A", "A+other A-yours A-mine", False),
        ("A", "A+other minute A-mine", False),
        # Again on the same server.
        ("AB", "A+other A-mine A+other A-mine", True),
        ("AB", "A+other A-mine A-mine", False),
        ("AB", "A+other A-mine B+other A-mine", False),  # A is in trouble, however much B answers
        ("AB", "A-mine B+other A-mine B+other A-mine B+other A-mine", False),
        ("AB", "A-mine B-mine B+other A-mine", False),
        ("AB", "A-mine B-mine A+other A-mine", True),
        # On one after the other.
        ("AB", "A-mine B+other B-mine", True),  # though A may be in trouble: B is not
        ("AB", "A+other B+other A-mine B-mine", True),
        ("AB", "A-mine B-mine", False),  # nobody has shown that it can serve
        ("AB", "A+other A-mine B-mine", False),
        ("AB", "A-mine A+other B-mine", False),
        ("AB", "A-mine B+other minute B-mine", False),
        ("AB", "A-mine B+other B-yours B-mine", False),  # B may have fallen ill
        ("AB", "A-mine A+other B+other B-yours B-mine", True),  # but two servers are witnesses
        # What the worker does not remember.
        ("AB", "C A+other A-mine", True),
        ("AB", "A+other C A-mine", False),
        ("AB", "A+other A-mine A+other retried A-mine", False),
        ("A", "A+other A-mine A+other retried minute A-mine", False),
        ("AB", "A+other B-mine retried A-mine", False),
    ],
)
def test_an_end_counts_where_the_servers_that_brought_it_have_answered_others(clock, well, story, counts):
    servers = Servers(clock, well)

    assert [servers.do(step) for step in story.split()][-1] is counts
