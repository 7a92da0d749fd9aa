"""docs/scaling.md: what a queue carries, what is full first, what to change next, and how far that may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from bench.figures import rounded
from simulation import costs as costs_of
from simulation import plots
from simulation.checking import checks
from simulation.saturation import CONNECTIONS, FULL, WORKER, limits
from simulation.scenarios import (
    HOST_CORES,
    KINDS,
    SECONDS,
    SERVER_CORES,
    SLOTS_OF_GPU,
    curves,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from simulation.checking import Check
    from simulation.costs import Costs, Linear
    from simulation.readings import Measured
    from simulation.scenarios import Kind, Point

LONG_ROW, TABLES = "engines-cycles", ("line", "partials", "tally")
NOTICEABLE = 0.05  # of the slots' time
SHOWN = (4, 16, 64, 128, 256, 512, 1024, 2048, 4096)  # slots; the pictures have more


def write(folder: Path, measured: Measured) -> None:
    """Write the page and its pictures into `folder`. Raises KeyError where something was not measured."""
    costs = {engine: costs_of.of(engine, measured) for engine in (SQLITE, POSTGRESQL)}
    points = {seconds: curves(costs, seconds=seconds) for seconds in SECONDS}
    checked = checks(measured)
    plots.draw(points, checked, folder / "scaling")
    (folder / "scaling.md").write_text("\n".join(_page(measured, costs, points, checked)) + "\n", "utf-8")


def _page(
    measured: Measured, costs: Mapping[str, Costs], points: Mapping[float, Sequence[Point]], checked: Sequence[Check]
) -> list[str]:
    return [
        "# How far it goes",
        "",
        "Written by `make simulation`; no number here was typed. What a queue carries that is larger than the",
        "machines at hand is worked out from costs that were measured, part by part, on a small one; `make simulation",
        "MEASURE=1` measures them anew. At the end stands how far the same simulation is off where it can be measured.",
        *_busy(measured),
        "",
        "## Which engine",
        "",
        *_advice(points),
        "",
        "![prompts a day](scaling/prompts.svg)",
        "![the slots' time that is lost](scaling/loss.svg)",
        "",
        "## What is full first",
        "",
        f"With so many slots a part is busy for {FULL:.0%} of the time; beyond that, waiting for it grows fast.",
        f"Answers come at 50 tokens a second. SQLite's host has {HOST_CORES} processors, for proxies and workers too;",
        f"PostgreSQL's server has {SERVER_CORES} of its own. By arithmetic: every submission a commit of its own, text",
        "written each 250 ms, every token told to every process that listens.",
        "",
        *limits_table(costs),
        "",
        "## One SQLite host, one PostgreSQL with many workers",
        "",
        f"Simulated: as many prompts as the slots can take are always waiting. A GPU has {SLOTS_OF_GPU} slots. Lost is",
        "the part of the slots' time in which they wait for the queue: for the commit that ends one prompt and hands",
        "over the next, behind everybody else's.",
        "",
        *_sites(points),
        "",
        "## What it is worked out from",
        "",
        "Seconds of what everybody shares (SQLite's writer, or the processors of PostgreSQL's server), and of each",
        "process. The processes' were taken with little to do, when code runs cold: a busy site takes less.",
        "",
        *costs_table(costs, measured),
        "",
        "The simulation follows each event (`simulation/handover.py`): a slot ends a prompt and claims the next in one",
        "commit; each worker writes the text of all its slots every 250 ms, looks at its claims every 500, and sends",
        "what it reads every 20; each proxy stores all prompts that came meanwhile in one commit. Answers take",
        "between half and one and a half of their mean. Of PostgreSQL, a commit waits for the disk besides. It knows",
        "nothing of networks between hosts, of a disk that is full of other work, of vacuum, and of standbys.",
        "",
        "## The check",
        "",
        "The whole product on this machine, one worker, all prompts in line at the beginning, answers of half a",
        "second; what an answer takes is what it took in direct calls, as many at a time.",
        "",
        *checks_table(checked),
        "",
        "![makespans, measured and simulated](scaling/check.svg)",
        *cycles_section(measured),
        "",
        "## The machine",
        "",
        *_table(("", ""), [(name, words) for name, words in measured.machine.items() if name != "busy"]),
    ]


def _busy(measured: Measured) -> list[str]:
    return ["", f"**{measured.machine['busy']}**"] if "busy" in measured.machine else []


def _advice(points: Mapping[float, Sequence[Point]]) -> list[str]:
    def most(kind: Kind, seconds: float) -> Point | None:
        fine = [each for each in points[seconds] if each.kind == kind and each.outcome.loss <= NOTICEABLE]
        return max(fine, key=lambda each: each.slots, default=None)

    def told(point: Point | None) -> str:
        return f"{point.slots:,} slots, {_millions(point.prompts_a_day)} prompts a day" if point else "none of these"

    rows = [[f"{seconds:g} s", *(told(most(kind, seconds)) for kind in KINDS)] for seconds in SECONDS]
    return [
        f"The most of the simulated sites whose slots lose no more than {NOTICEABLE:.0%} of their time to the queue:",
        "",
        *_table(("an answer takes", *(kind.name for kind in KINDS)), rows),
        "",
        "Whoever has fewer slots than that is limited by GPUs, on either engine, so that PostgreSQL is for several",
        "hosts, for standbys, and for operators who keep one, rather than for speed.",
    ]


def limits_table(costs: Mapping[str, Costs]) -> list[str]:
    """Say what is full first, of each kind of site."""
    rows = []
    for seconds in SECONDS:
        for kind in KINDS:
            of_engine = costs[kind.engine]
            site = kind.site(slots=kind.slots_of_worker, seconds=seconds, costs=of_engine)
            worker = f"{WORKER.used(site, of_engine):.0%}"
            for number, limit in enumerate(limits(site, of_engine)):
                about = [f"{seconds:g} s", kind.name, worker] if number == 0 else ["", "", ""]
                rows.append([*about, limit.part.name, f"{limit.slots:,}", _millions(limit.prompts), limit.part.relief])
    return _table(
        ("answer", "", "a worker's process is busy", "full, in this order", "slots", "prompts a day", "then"),
        rows,
    )


def _sites(points: Mapping[float, Sequence[Point]]) -> list[str]:
    rows = []
    for seconds, of_length in points.items():
        for number in sorted({point.slots for point in of_length} & set(SHOWN)):
            row = [f"{seconds:g} s", f"{number / SLOTS_OF_GPU:g}", f"{number:,}"]
            for kind in KINDS:
                point = next((each for each in of_length if (each.kind, each.slots) == (kind, number)), None)
                row += _told(point) if point else [""] * 3
            rows.append(row)
    heads = ["answer", "GPUs", "slots"]
    for kind in KINDS:
        heads += [f"{kind.name}: prompts a day", "lost", "workers"]
    return _table(heads, rows)


def _told(point: Point) -> list[str]:
    outcome = point.outcome
    return [_millions(point.prompts_a_day), f"{100 * outcome.loss:.1f}%", str(point.site.workers)]


def costs_table(costs: Mapping[str, Costs], measured: Measured) -> list[str]:
    """Say what each part costs on each engine."""

    def linear(cost: Linear) -> str:
        return f"{_micro(cost.base)} + {_micro(cost.each)} each" if cost.base or cost.each else ""

    rows = [
        ["prompts submitted in a commit, µs", *(linear(each.submit) for each in costs.values())],
        ["finish and claim, µs", *(_micro(each.hand_over) for each in costs.values())],
        ["text of prompts written in a commit, µs", *(linear(each.write) for each in costs.values())],
        ["a look at prompts, µs", *(linear(each.glance) for each in costs.values())],
        ["a note, by processes that listen, µs", *(linear(each.notify) for each in costs.values())],
        ["a commit's wait for disk and way, µs", *(_micro(each.wait) for each in costs.values())],
        ["the worker's process: an answer, µs", *(_micro(each.worker_answer) for each in costs.values())],
        ["… a token, µs", *(_micro(each.worker_token) for each in costs.values())],
        ["the proxy's process: a submission, µs", *(_micro(each.proxy_submission) for each in costs.values())],
        ["… a result, µs", *(_micro(each.proxy_result) for each in costs.values())],
        ["write-ahead log of a prompt, bytes", *(rounded(each.log_bytes) for each in costs.values())],
        ["… of each piece of its text", *(rounded(each.log_bytes_of_text) for each in costs.values())],
        [
            f"connections of a proxy, a worker and a janitor, of {CONNECTIONS}",
            *(rounded(each.connections) for each in costs.values()),
        ],
    ]
    whole = rounded(measured.value("engines-answers", POSTGRESQL, "server, an answer"))
    return [
        *_table(("", *costs), [[name, *("" if cell == "0.00" else cell for cell in cells)] for name, *cells in rows]),
        "",
        "With idle slots, each of which may look for what comes, the whole way of an answer of one token, with 16",
        f"slots, took {whole} µs of PostgreSQL's server.",
    ]


def checks_table(checked: Sequence[Check]) -> list[str]:
    """Say how far the simulation is off."""
    rows = [
        [
            f"{check.slots}",
            check.engine,
            f"{check.direct:.2f} s",
            f"{check.predicted:.2f} s",
            f"{check.measured:.2f} s",
            f"{100 * check.deviation:+.1f}%",
        ]
        for check in checked
    ]
    return _table(("slots", "engine", "direct calls", "simulated", "measured", "off by"), rows)


def cycles_section(measured: Measured) -> list[str]:
    """Say how the tables of the line grew; nothing where that was not measured."""
    if LONG_ROW not in measured.rows:
        return []
    steps = measured.rows[LONG_ROW][POSTGRESQL]
    number = len(steps["rate"])
    rows = [
        [f"{(step + 1) / number:.0%}", rounded(steps["rate"][step]), rounded(steps["claim ms"][step])]
        + [rounded(steps[f"{table} MB"][step]) for table in TABLES]
        for step in range(number)
    ]
    return [
        "",
        "## A million prompts through a short line",
        "",
        "PostgreSQL, 1,000 prompts waiting, four processes that submit, claim, write twice and finish without a pause",
        "(`make simulation CYCLES=1`). Megabytes of the tables that move, with their indexes, at the end of each step:",
        "",
        *_table(("of 1,000,000", "prompts/s", "a claim, ms", *(f"{table}, MB" for table in TABLES)), rows),
        "",
        f"Counted wrongly in the end: {steps['wrong']:g}.",
    ]


def _micro(seconds: float) -> str:
    return rounded(1_000_000 * seconds)


def _millions(number: float) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,.0f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
