"""Lets every client ask all there is to ask, and writes docs/compatibility.md: make compatibility."""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from support import machine

from compatibility.answers import QUESTIONS, ask
from compatibility.clients import CLIENTS
from compatibility.cuts import Met, expected, meet, needs, pairs
from compatibility.page import CUT, PAGE, page
from compatibility.runtime import Runtimes
from compatibility.trial import Trial

Rows = dict[str, dict[str, str]]


def main() -> int:
    """Run everything; 1 where a client had what it must not have."""
    runtimes = Runtimes()
    try:
        runtimes.prepare(list(CLIENTS.values()))
        answers = all_answers(runtimes)
        cuts, wrong = all_cuts(runtimes)
    finally:
        runtimes.stop()
    PAGE.write_text(page(answers, cuts))
    wrong += [f"{case}: {name} {had}" for case, row in answers.items() for name, had in row.items() if had != "right"]
    print("\n".join(["", *wrong] if wrong else ["", "Every client had the whole answer or an exception."]))
    return 1 if wrong else 0


def all_answers(runtimes: Runtimes) -> Rows:
    """Let every client ask every question."""
    rows: Rows = {}
    with tempfile.TemporaryDirectory() as folder, Trial(Path(folder), machine.nginx()) as trial:
        for name in QUESTIONS:
            rows[name] = {client.name: had for client, had in ask(trial, runtimes, name, trial.front).items()}
            print(name, rows[name], flush=True)
    return rows


def all_cuts(runtimes: Runtimes) -> tuple[Rows, list[str]]:
    """Let every client be at every point when each thing happens there; the rows, and what must not be."""
    together: dict[tuple[tuple[str, str], ...], list[tuple[str, str]]] = defaultdict(list)
    for point, cause in pairs():
        together[tuple(sorted(needs(point, cause).items()))].append((point, cause))
    rows: Rows = {}
    wrong: list[str] = []
    for settings, cases in together.items():
        with tempfile.TemporaryDirectory() as folder, Trial(Path(folder), machine.nginx(), **dict(settings)) as trial:
            for point, cause in cases:
                name = CUT.format(point=point, cause=cause)
                met = meet(trial, runtimes, point, cause, list(CLIENTS.values()))
                rows[name] = cells(met)
                wrong += [f"{name}: {each.client} {each.cell}" for each in met if not expected(point, cause, each)]
                print(name, rows[name], flush=True)
    return {name: rows[name] for name in (CUT.format(point=p, cause=c) for p, c in pairs())}, wrong


def cells(met: list[Met]) -> dict[str, str]:
    """Give what each client had, streamed and whole."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in met:
        found[each.client.name].append(each.cell)
    return {name: " / ".join(dict.fromkeys(had)) for name, had in found.items()}


if __name__ == "__main__":
    sys.exit(main())
