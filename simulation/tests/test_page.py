"""docs/scaling.md says what was measured last."""

from pathlib import Path

import pytest

from bench.engines import POSTGRESQL, SQLITE
from simulation import costs as costs_of
from simulation import page
from simulation.checking import checks
from simulation.readings import Measured

ROOT = Path(__file__).resolve().parents[2]
MEASURED = Measured.read(ROOT / "simulation/measured.json")
COSTS = {engine: costs_of.of(engine, MEASURED) for engine in (SQLITE, POSTGRESQL)}
WRITTEN = (ROOT / "docs/scaling.md").read_text("utf-8")


@pytest.mark.parametrize(
    "lines",
    [
        page.costs_table(COSTS, MEASURED),
        page.limits_table(COSTS),
        page.checks_table(checks(MEASURED)),
        page.cycles_section(MEASURED),
    ],
    ids=["costs", "limits", "check", "cycles"],
)
def test_the_page_was_written_from_what_was_measured_last(lines):
    assert "\n".join(lines) in WRITTEN


def test_its_pictures_are_there():
    names = {line.partition("](")[2].rstrip(")") for line in WRITTEN.splitlines() if line.startswith("![")}

    assert {name for name in names if (ROOT / "docs" / name).exists()} == names != set()
