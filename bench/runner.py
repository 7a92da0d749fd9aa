"""Run rows one after the other, the sides of each in turns, and show how far it is."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bench.measurement import Absent, CannotRun, Measurement, Result, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from bench.workbench import Workbench


class Runner:
    """Runs every row that it is given; one that fails costs the others nothing."""

    def __init__(self, bench: Workbench, console: Console) -> None:
        self._bench = bench
        self._console = console

    def run(self, measurements: Sequence[Measurement]) -> list[Result]:
        """Run these rows; their results, in the same order."""
        columns = (
            SpinnerColumn(),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            bar = progress.add_task("", total=sum(each.seconds for each in measurements))
            results = []
            for measurement in measurements:
                self._bench.say = _sayer(progress, bar, measurement.name)
                results.append(self._row(measurement))
                progress.advance(bar, measurement.seconds)
                self._console.print(_line(results[-1]))
        return results

    def _row(self, measurement: Measurement) -> Result:
        result, began = Result(measurement=measurement), time.monotonic()
        self._bench.say("setting up")
        try:
            with measurement.sides(self._bench) as sides:
                self._take_turns(measurement, sides, result)
        except CannotRun as reason:
            result.not_run = str(reason)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other rows are worth having)
            result.not_run = f"{type(error).__name__}: {error}"
            self._console.print(traceback.format_exc(), style="dim", markup=False, highlight=False)
        result.seconds = time.monotonic() - began
        return result

    def _take_turns(self, measurement: Measurement, sides: Sequence[Side | Absent], result: Result) -> None:
        readings = result.readings
        readings.absent |= {side.name: side.why for side in sides if isinstance(side, Absent)}
        repeats = 1 if self._bench.quick else measurement.repeats
        for repeat in range(repeats):
            for side in sides:
                if isinstance(side, Absent) or side.name in readings.absent:
                    continue
                if repeat >= (side.repeats or repeats):
                    continue
                self._bench.say(f"{side.name}, {repeat + 1} of {min(repeats, side.repeats or repeats)}")
                try:
                    readings.add(side, side.take())
                except CannotRun as reason:
                    readings.absent[side.name] = str(reason)
        if not readings.taken:
            raise CannotRun("; ".join(f"{name}: {why}" for name, why in readings.absent.items()))


def _sayer(progress: Progress, bar: TaskID, name: str) -> Callable[[str], None]:
    return lambda words: progress.update(bar, description=f"{name}: {words}")


def _line(result: Result) -> str:
    verdicts = [verdict for figure in result.measurement.figures if (verdict := result.verdict(figure))]
    words = f"not run: {result.not_run}" if result.not_run else ", ".join(dict.fromkeys(verdicts)) or "measured"
    return f"[bold]{result.measurement.name}[/] {words} [dim]({result.seconds:.0f} s)[/]"
