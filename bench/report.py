"""What was found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.figures import Spread, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measurement import Figure, Readings, Result


def lines(results: Sequence[Result]) -> list[tuple[str, str, str, str]]:
    """Give the table's lines: what, goal, measured, verdict. A row with several figures has as many lines."""
    found = []
    for result in results:
        row = result.measurement
        if result.not_run:
            found.append((row.what, "", f"not run: {result.not_run}", "not run"))
            continue
        for number, figure in enumerate(row.figures):
            about = row.what if number == 0 else "…"
            what = f"{about}: {figure.what}" if figure.what else about
            found.append((what, str(figure.goal or ""), _measured(result, figure), result.verdict(figure)))
    return found


def markdown(
    results: Sequence[Result], machine: Mapping[str, str], seconds: float, pictures: Sequence[str], busy: str = ""
) -> str:
    """Write the report for people."""
    told = [
        "# Benchmark",
        "",
        "Written by `make bench`; no number here was typed. Cells are the median of all repeats, with their least and",
        "most. What is compared was measured in turns, in the same run, pair by pair: trust the ratios. Rates and",
        "times are this machine's.",
        "",
        *([f"**{busy}**", ""] if busy else []),
        *_table(("what", "goal", "measured", ""), [_bold(line) for line in lines(results)]),
        "",
        *[f"![{name}](benchmark/{name}.png)" for name in pictures],
        "",
        "## The machine",
        "",
        *_table(("", ""), [*machine.items(), ("the whole run", f"{seconds:.0f} s")]),
    ]
    for result in results:
        told += ["", f"## {result.measurement.name}: {result.measurement.what}", "", *_about(result)]
    return "\n".join(told) + "\n"


def _measured(result: Result, figure: Figure) -> str:
    spread = result.spread(figure)
    if spread is None:
        return "not run"
    unit = f" {figure.unit}" if figure.unit not in ("", "×", "/s", "%") else figure.unit
    return f"{_spread(spread)}{unit}"


def _spread(spread: Spread) -> str:
    if spread.repeats == 1:
        return rounded(spread.median)
    return f"{rounded(spread.median)} ({rounded(spread.least)} to {rounded(spread.most)})"


def _about(result: Result) -> list[str]:
    if result.not_run:
        return [f"Not run: {result.not_run}."]
    readings = result.readings
    keys = list(dict.fromkeys(key for taken in readings.taken.values() for one in taken for key in one))
    durable = any(readings.durability.values())
    rows = [
        [side, *([readings.durability[side]] if durable else []), *[_cell(readings, side, key) for key in keys]]
        for side in readings.taken
    ]
    rows += [[side, *["not run"] * durable, why, *[""] * (len(keys) - 1)] for side, why in readings.absent.items()]
    heads = ["", *(["durability"] if durable else []), *keys]
    how = [result.measurement.how, ""] if result.measurement.how else []
    return [*how, *_table(heads, rows)]


def _cell(readings: Readings, side: str, key: str) -> str:
    middles = readings.of(side, key)
    if not middles:
        return ""
    if all(isinstance(taken.get(key), list) for taken in readings.taken[side]):
        high = Spread.of(readings.of(side, key, 99))
        return f"p50 {rounded(Spread.of(middles).median)}, p99 {rounded(high.median)}"
    return _spread(Spread.of(middles))


def _bold(line: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    what, goal, measured, verdict = line
    return what, goal, measured, f"**{verdict}**" if verdict == "missed" else verdict


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
