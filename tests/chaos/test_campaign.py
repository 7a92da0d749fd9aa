"""A campaign, short enough to run with all other tests; `make chaos` runs longer ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.machine import need_postgres, unable
from support.wall_clock import MISSING, clock_at

from chaos import campaign
from chaos.official import WAYS
from chaos.owners import NAMES, Owners
from chaos.plain import Plain
from chaos.plan import OF_A_FILE, OF_A_SERVER, Blow, Part, plan
from chaos.report import report
from chaos.script import script
from chaos.target import room_for

if TYPE_CHECKING:
    from pathlib import Path

SEED = 9
SECONDS = 24.0
SECONDS_OF_OWNERS = 12.0
SECONDS_OF_OUTAGES = 18.0


def test_a_short_campaign_finds_nothing_lost_stuck_or_wrong(tmp_path: Path) -> None:
    clock = clock_at(tmp_path / "clock") or unable(MISSING)

    product = Plain(tmp_path, room=room_for(SECONDS), clock=clock)

    outcome = campaign.run(product, tmp_path, seed=SEED, seconds=SECONDS, progress=lambda _: None)

    print(report(outcome))  # noqa: T201 (shown for a test that failed)
    assert outcome.findings == []
    assert outcome.settled_in is not None
    assert {strike.part for strike in outcome.evidence.struck} == set(Part) - OF_A_SERVER
    assert [filling for filling in outcome.evidence.fillings if filling.full_at]
    assert outcome.evidence.retried
    questions = outcome.evidence.questions
    assert {question.way for question in questions} == set(WAYS)
    assert [question for question in questions if question.raised is None and question.leaves_after is None]


def test_a_short_campaign_of_several_owners_shows_nobody_what_is_anothers(tmp_path: Path) -> None:
    product = Plain(tmp_path, room=room_for(SECONDS_OF_OWNERS), proxy_processes=4)
    owners = Owners(product.opened, seed=SEED)

    outcome = campaign.run(
        product, tmp_path, seed=SEED, seconds=SECONDS_OF_OWNERS, progress=lambda _: None, cast=owners
    )

    print(report(outcome))  # noqa: T201 (shown for a test that failed)
    evidence = outcome.evidence
    assert outcome.findings == []
    assert outcome.settled_in is not None
    assert evidence.revocations
    assert {each.owner for each in evidence.pried} == {each.owner for each in evidence.listed} == set(NAMES)
    assert any(each.answers[0][0] == each.answers[1][0] == 404 for each in evidence.pried)
    assert any(each.ids for each in evidence.listed)


def test_a_short_campaign_against_postgresql_finds_nothing_lost_stuck_or_wrong(tmp_path: Path) -> None:
    need_postgres()
    clock = clock_at(tmp_path / "clock") or unable(MISSING)
    product = Plain(tmp_path, room=room_for(SECONDS), clock=clock, proxy_processes=2, on_postgres=True)

    outcome = campaign.run(product, tmp_path, seed=SEED, seconds=SECONDS, progress=lambda _: None)

    print(report(outcome))  # noqa: T201 (shown for a test that failed)
    assert outcome.findings == []
    assert outcome.settled_in is not None
    assert {strike.part for strike in outcome.evidence.struck if strike.hit} >= set(Part) - OF_A_FILE
    assert outcome.evidence.retried


def test_a_server_that_is_killed_and_restarted_and_connections_that_are_cut_charge_nobody(tmp_path: Path) -> None:
    need_postgres()
    product = Plain(tmp_path, room=room_for(SECONDS_OF_OUTAGES), on_postgres=True)
    without = frozenset(Part) - OF_A_SERVER

    outcome = campaign.run(
        product, tmp_path, seed=SEED, seconds=SECONDS_OF_OUTAGES, progress=lambda _: None, without=without
    )

    print(report(outcome))  # noqa: T201 (shown for a test that failed)
    assert outcome.findings == []
    assert outcome.settled_in is not None
    assert {(strike.part, strike.blow) for strike in outcome.evidence.struck if strike.hit} >= {
        (Part.SERVER, Blow.KILL),
        (Part.SESSIONS, Blow.END),
        (Part.CABLE, Blow.CUT),
    }


def test_a_seed_decides_what_happens() -> None:
    assert plan(SEED, 60) == plan(SEED, 60) != plan(SEED + 1, 60)
    assert script(SEED, 1, 2) == script(SEED, 1, 2) != script(SEED, 1, 3)


@pytest.mark.parametrize("seed", range(3))
def test_ten_minutes_hold_more_than_three_hundred_kills(seed: int) -> None:
    strikes = plan(seed, 600)

    assert sum(strike.blow.is_kill for strike in strikes) > 330
    assert {strike.part for strike in strikes} == set(Part)


def test_a_machine_that_cannot_step_the_clock_meets_the_same_other_strikes() -> None:
    without = plan(SEED, 60, without=frozenset((Part.CLOCK,)))

    assert without == [strike for strike in plan(SEED, 60) if strike.part is not Part.CLOCK]


def test_a_product_that_comes_back_more_slowly_meets_the_same_strikes_later() -> None:
    later = plan(SEED, 60, slowness=1.5)

    assert [replace(strike, at=strike.at / 1.5) for strike in later] == [
        replace(strike, at=pytest.approx(strike.at)) for strike in plan(SEED, 40)
    ]
