"""Three pictures: how latencies are distributed, what stored prompts cost, what clients get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measurement import PRODUCT
from bench.rows import submit, verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.measurement import Readings, Result


def draw(results: Sequence[Result], folder: Path) -> list[str]:
    """Draw what was measured; the names of the pictures."""
    import matplotlib as mpl  # noqa: PLC0415 (it takes a second to import)

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    found = {result.measurement.name: result.readings for result in results if not result.not_run}
    pictures: Mapping[str, tuple[str, Callable[[Any, Readings], None]]] = {
        "latency": ("pickup", _latency),
        "stored": ("scale", _stored),
        "clients": ("clients", _clients),
    }
    drawn = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, (row, picture) in pictures.items():
        if row not in found:
            continue
        figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
        picture(axes, found[row])
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(folder / f"{name}.png", dpi=110)
        plt.close(figure)
        drawn.append(name)
    return drawn


def _latency(axes: Any, readings: Readings) -> None:
    for side in readings.taken:
        samples = sorted(readings.samples(side, "ms"))
        shares = [100 * (number + 1) / len(samples) for number in range(len(samples))]
        axes.step(samples, shares, where="post", label=side, linewidth=2 if side == PRODUCT else 1)
    axes.set(xscale="log", xlabel="ms from submit to the model server", ylabel="% of submissions", title="Idle pick-up")


def _stored(axes: Any, readings: Readings) -> None:
    sizes = sorted(verbs.sizes(readings))
    for key in ("submit µs", "claim µs", "status µs"):
        medians = [_median(readings, verbs.side_of(size), key) for size in sizes]
        axes.plot([max(size, 100) for size in sizes], medians, marker="o", label=key.removesuffix(" µs"))
    axes.set(xscale="log", yscale="log", xlabel="stored prompts (the leftmost: none)", ylabel="µs, p50")
    axes.set_title("Cost against stored prompts")


def _clients(axes: Any, readings: Readings) -> None:
    for side in readings.taken:
        rates = [_median(readings, side, f"{clients}") for clients in submit.SWEEP]
        axes.plot(submit.SWEEP, rates, marker="o", label=side, linewidth=2 if side == PRODUCT else 1)
    axes.set(xscale="log", xlabel="clients", ylabel="answers a second", ylim=(0, None), title="Throughput")
    axes.set_xticks(submit.SWEEP, [str(clients) for clients in submit.SWEEP])


def _median(readings: Readings, side: str, key: str) -> float:
    values = readings.of(side, key)
    return sorted(values)[len(values) // 2]
