"""Power cuts: whatever the disk had not yet written is lost, and nothing that anybody was told of."""

from __future__ import annotations

from itertools import groupby
from random import Random
from typing import TYPE_CHECKING

import pytest
from promptqueue.sqlite.file.engine import journal_mode
from simulator.client import Simulator
from support.machine import unable

from chaos import power
from chaos.disk import Disk, Kept
from chaos.trace import NAMES, Cut, Event, Removed, Synced, Told, Written, read

if TYPE_CHECKING:
    from pathlib import Path

MOMENTS, PROMPTS, CLIENTS = 25, 8, 6


@pytest.mark.parametrize("mode", ["wal", "persist"])
def test_a_power_cut_at_any_moment_loses_nothing_that_anybody_was_told(tmp_path: Path, mode: str) -> None:
    program = power.strace() or unable(power.MISSING)
    if mode == "wal" and journal_mode("auto") != "wal":
        pytest.skip("this SQLite cannot be trusted with a write-ahead log")
    with Simulator() as ollama, power.recorded(tmp_path, program, ollama, journal_mode=mode) as stack:
        power.keep_busy(stack, prompts=PROMPTS, clients=CLIENTS)
    events = read(tmp_path / "trace")

    assert list(power.power_cuts(events, moments=MOMENTS, seed=1)) == []
    accepted = [each for each in events if isinstance(each, Told) and each.status == 202]
    assert len({each.prompt_id for each in accepted}) == PROMPTS * CLIENTS
    assert max(_told_together(events)) > 1  # commits of several were among them


def test_a_call_that_strace_is_still_writing_down_has_not_happened(tmp_path: Path) -> None:
    write = '7 pwrite64(5</data/queue.db>, "all", 3, 0) = 3\n'
    (tmp_path / "trace").write_text(write + write[: write.index('ll"')])

    assert read(tmp_path / "trace") == [Written(file="queue.db", offset=0, data=b"all")]


def test_a_202_before_its_sync_is_found() -> None:
    write = Written(file="queue.db", offset=0, data=b"no database")

    found = list(power.power_cuts([write, Told(status=202, prompt_id="1")], moments=0, seed=1))

    assert any("accepted and is lost" in each for each in found)


def test_a_disk_keeps_what_was_synced_and_of_the_rest_what_it_likes() -> None:
    disk = Disk()
    events: list[Event] = [
        Written(file="queue.db", offset=0, data=b"a" * 1024),
        Synced(file="queue.db", since=1),
        Written(file="queue.db", offset=512, data=b"b" * 1024),
        Cut(file="queue.db-wal", size=2),
        Synced(file="queue.db-wal", since=3),  # it began before the cut
        Written(file="queue.db-journal", offset=0, data=b"c"),
        Synced(file="queue.db-journal", since=6),
        Removed(file="queue.db-journal"),
    ]
    for number, event in enumerate(events):
        disk.take(number, event)

    def left(kept: Kept) -> set[bytes]:
        return {bytes(disk.after_power_cut(kept, Random(seed))["queue.db"]) for seed in range(50)}

    none, all_of_it = b"a" * 1024, b"a" * 512 + b"b" * 1024
    assert left(Kept.NOTHING) == {none}
    assert left(Kept.ALL) == {all_of_it}
    assert left(Kept.SOME) == {none, all_of_it}
    assert left(Kept.TORN) == {none, all_of_it, b"a" * 512 + b"b" * 512, b"a" * 1024 + b"b" * 512}
    assert set(disk.after_power_cut(Kept.NOTHING, Random(1))) == {"queue.db", "queue.db-journal"}
    assert set(disk.after_power_cut(Kept.ALL, Random(1))) == {"queue.db", "queue.db-wal"}
    disk.take(8, Synced(file=NAMES, since=8))
    assert set(disk.after_power_cut(Kept.NOTHING, Random(1))) == {"queue.db"}


def _told_together(events: list[Event]) -> list[int]:
    """How many were told that they are accepted from one sync to the next."""
    relevant = [each for each in events if isinstance(each, Synced) or (isinstance(each, Told) and each.status == 202)]
    return [len(list(group)) for is_told, group in groupby(relevant, lambda each: isinstance(each, Told)) if is_told]
