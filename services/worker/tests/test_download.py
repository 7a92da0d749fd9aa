"""The percentage of a download only rises, and a download that stands still is noticed."""

from __future__ import annotations

from worker.server.download import MOST_LAYERS, STALL_SECONDS, Download


def layer(name, completed, total):
    return {"status": f"pulling {name}", "digest": f"sha256:{name}", "total": total, "completed": completed}


def test_the_percentage_is_over_all_layers_and_never_falls():
    download = Download(0.0)
    percents = []
    for record in [
        {"status": "pulling manifest"},
        {"status": "pulling a", "digest": "sha256:a", "total": 900},  # `completed` is left out while it is 0
        layer("a", 450, 900),
        layer("b", 0, 900),
        layer("a", 900, 900),
        layer("b", 900, 900),
        {"status": "verifying sha256 digest"},
    ]:
        download.take(record, 0.0)
        percents.append(download.percent)

    assert percents == [0, 0, 50, 50, 50, 100, 100]


def test_lines_that_move_nothing_are_a_stall():
    download = Download(0.0)
    download.take(layer("a", 10, 900), 1.0)
    download.take(layer("a", 10, 900), STALL_SECONDS)

    assert not download.is_stalled(STALL_SECONDS)
    assert download.is_stalled(STALL_SECONDS + 1.0)


def test_verifying_is_no_stall():
    download = Download(0.0)
    download.take(layer("a", 900, 900), 1.0)

    assert not download.is_stalled(10 * STALL_SECONDS)


def test_what_was_there_before_counts_as_no_movement():
    resumed, fresh = Download(0.0), Download(0.0)
    resumed.take(layer("a", 300, 900), 1.0)
    fresh.take(layer("a", 300, 900), 1.0)
    fresh.take(layer("a", 301, 900), 2.0)

    assert not resumed.moved
    assert fresh.moved


def test_layers_without_an_end_and_counts_that_are_none_cost_no_memory_and_move_nothing():
    download = Download(0)

    for number in range(MOST_LAYERS + 100):
        download.take({"digest": f"sha256:{number}", "total": 100, "completed": -5 if number % 2 else "x"}, now=1)

    assert len(download._layers) == MOST_LAYERS
    assert (download.percent, download.moved) == (0, False)
