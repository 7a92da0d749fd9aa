"""The soak measures what it says, and finds what grows; `make soak` runs long enough to tell of the product."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.machine import unable
from support.processes import PROC

from chaos.filler import Filling
from chaos.soak import Look, Soaked, soak

if TYPE_CHECKING:
    from pathlib import Path

STEADY = [Look(memory=50_000_000, handles=20)] * 20
FILLED = Filling(begun=1, ended=5, accepted=20, full_at=3)
SOAKED = Soaked(looks={"worker": STEADY}, journal=[4_000_000] * 20, answered=100, fillings=[FILLED])
GROWING = {
    "memory": replace(
        SOAKED, looks={"worker": [Look(memory=50_000_000 + 500_000 * at, handles=20) for at in range(20)]}
    ),
    "files": replace(SOAKED, looks={"worker": [Look(memory=50_000_000, handles=20 + at) for at in range(20)]}),
    "journal": replace(SOAKED, journal=[4_000_000 * at for at in range(20)]),
    "nothing is answered": replace(SOAKED, answered=0),
    "the room is never full": replace(SOAKED, fillings=[replace(FILLED, full_at=None, overran=True)]),
    "one of those that filled it is lost": replace(SOAKED, fillings=[replace(FILLED, lost=1)]),
}


def test_what_is_steady_is_well() -> None:
    assert [wrong for _, _, wrong in SOAKED.figures() if wrong] == []


def test_what_grows_only_at_first_is_well() -> None:
    filling = [Look(memory=1_000_000, handles=2), *STEADY]

    assert [wrong for _, _, wrong in replace(SOAKED, looks={"worker": filling}).figures() if wrong] == []


@pytest.mark.parametrize("growing", GROWING.values(), ids=GROWING.keys())
def test_what_grows_is_found(growing: Soaked) -> None:
    assert len([wrong for _, _, wrong in growing.figures() if wrong]) == 1


def test_every_process_of_the_product_is_looked_at(tmp_path: Path) -> None:
    if not PROC.is_dir():
        unable("memory is read from /proc, which this system has not")
    soaked = soak(tmp_path, seconds=6, progress=lambda _: None)

    assert set(soaked.looks) == {"proxy", "proxy's master", "worker", "janitor", "supervisor's listener"}
    assert all(look.memory > 1_000_000 and look.handles >= 3 for looks in soaked.looks.values() for look in looks)
    assert soaked.answered > 10
    assert max(soaked.journal) > 0
    assert [filling.full_at for filling in soaked.fillings if filling.full_at]
