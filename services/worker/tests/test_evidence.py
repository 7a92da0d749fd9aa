"""What counts as a prompt's failure where nobody knows whose fault an end is."""

from __future__ import annotations

import pytest
from promptqueue.prompt import Trouble
from worker.server.evidence import LATELY, MOST_EXCUSED, Evidence

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
    for number in range(MOST_EXCUSED + 1):
        evidence.excuses(str(number), "rejected 503")
    evidence.proved()

    assert evidence.excuses("0", "rejected 503")
    assert not evidence.excuses(str(MOST_EXCUSED), "rejected 503")
