"""The pictures of docs/scaling.md, as SVG: prompts a day, slots' time that is lost, and the check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulation.scenarios import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from simulation.checking import Check
    from simulation.scenarios import Point

LINES = ("o-", "s--", "^:")  # of the kinds of sites


def draw(points: Mapping[float, Sequence[Point]], checks: Sequence[Check], folder: Path) -> None:
    """Draw all of them into `folder`. `points` are those of each length of answers."""
    import matplotlib as mpl  # noqa: PLC0415 (it takes a second to import)

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "scaling"  # so that the same numbers make the same file
    from matplotlib import pyplot as plt  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)

    def picture(name: str, paint: Callable[[Any], None], *, width: float) -> None:
        figure, axes = plt.subplots(1, 1, figsize=(width, 4), layout="constrained")
        paint(axes)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="x-small")
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)

    picture("prompts", lambda axes: _prompts(axes, points), width=8)
    picture("loss", lambda axes: _loss(axes, points), width=8)
    picture("check", lambda axes: _check(axes, checks), width=7)


def _curves(points: Mapping[float, Sequence[Point]]) -> list[tuple[str, int, str, list[Point]]]:
    """Give each curve: its label, the number of its colour, its line and its points."""
    return [
        (f"{kind.name}, {seconds:g} s", number, line, [point for point in of_length if point.kind == kind])
        for number, (seconds, of_length) in enumerate(points.items())
        for kind, line in zip(KINDS, LINES, strict=True)
    ]


def _prompts(axes: Any, points: Mapping[float, Sequence[Point]]) -> None:
    for label, number, line, curve in _curves(points):
        prompts = [point.prompts_a_day for point in curve]
        axes.plot([point.slots for point in curve], prompts, line, color=f"C{number}", label=label, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="slots", ylabel="prompts a day", title="What a line carries")


def _loss(axes: Any, points: Mapping[float, Sequence[Point]]) -> None:
    for label, number, line, curve in _curves(points):
        lost = [100 * point.outcome.loss for point in curve]
        axes.plot([point.slots for point in curve], lost, line, color=f"C{number}", label=label, markersize=4)
    axes.set(xscale="log", yscale="symlog", ylim=(0, 100), xlabel="slots", ylabel="% of the slots' time")
    axes.set_title("What the slots wait for the queue")


def _check(axes: Any, checks: Sequence[Check]) -> None:
    for engine, line in zip(dict.fromkeys(kind.engine for kind in KINDS), LINES, strict=False):
        some = [check for check in checks if check.engine == engine]
        slots = [check.slots for check in some]
        axes.plot(slots, [check.measured / check.direct for check in some], line, label=f"{engine}, measured")
        predicted = [check.predicted / check.direct for check in some]
        axes.plot(
            slots, predicted, line[0], fillstyle="none", markersize=10, color="black", label=f"{engine}, simulated"
        )
    axes.set(xscale="log", xlabel="slots", ylabel="makespan / that of direct calls", title="The check")
    axes.set_xticks([check.slots for check in checks], [str(check.slots) for check in checks])
    axes.minorticks_off()
