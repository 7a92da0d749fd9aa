"""How long a queue takes from SQLite to PostgreSQL and back, and that nothing of it gets lost, though it is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value
from bench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

PROMPTS, QUICK_PROMPTS = 100_000, 5_000
BESIDE = {"audit"}  # where each move writes down that it was made
LONGEST = 120.0  # seconds until half of it has come across


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="migrate",
            what=f"{PROMPTS:,} answered prompts and a tenth of it waiting, to PostgreSQL and back",
            sides=_sides,
            repeats=1,
            seconds=120,
            is_apart=True,
            figures=(
                Figure(what="tables that differ, there and back", values=value("differ"), goal=Goal(at_most=0)),
                Figure(what="kept after a kill", values=value("kept"), goal=Goal(at_least=1), unit="rows"),
                Figure(what="to PostgreSQL", values=value("there rate"), unit="rows/s"),
                Figure(what="back to SQLite", values=value("back rate"), unit="rows/s"),
                Figure(what="to PostgreSQL, in", values=value("there seconds"), unit="s"),
                Figure(what="back to SQLite, in", values=value("back seconds"), unit="s"),
            ),
            how="`python -m promptqueue migrate`, from its start to its end: copied, read again on both sides and "
            "compared. The first way is taken twice; once it is killed when half has come across, and goes on.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    number = bench.few(PROMPTS, QUICK_PROMPTS)
    engine = bench.postgresql

    def take() -> Taken:
        stored = Stored.of(number, bench.new_folder())
        with stored.opened() as queue:
            queue.secret()
        copied = shutil.copy(stored.path, bench.new_folder())  # what was moved is paused, and would go so
        source, again = stored.url, f"sqlite:///{copied}"
        there, killed, back = engine.new_queue(), engine.new_queue(), f"sqlite:///{bench.new_folder()}/queue.db"
        with subprocess.Popen(_command(again, killed), stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + LONGEST
            while time.monotonic() < until and process.poll() is None and not _is_half(killed, number):
                time.sleep(0.05)
            process.kill()
        resumed, to_postgresql, to_sqlite = _moved(again, killed), _moved(source, there), _moved(there, back)
        moves = (resumed, to_postgresql, to_sqlite)
        names = resumed["tables"].keys() - BESIDE
        return {
            "differ": float(sum(len({json.dumps(each["tables"][name]) for each in moves}) > 1 for name in names)),
            "kept": float(resumed["resumed_after"]),
            "there seconds": to_postgresql["seconds"],
            "back seconds": to_sqlite["seconds"],
            "there rate": to_postgresql["rows"] / to_postgresql["seconds"],
            "back rate": to_sqlite["rows"] / to_sqlite["seconds"],
        }

    def _is_half(url: str, number: int) -> bool:
        [[made]] = engine.ask("SELECT to_regclass('migrating') IS NOT NULL", of=url)
        return bool(made) and int(engine.ask("SELECT count(*) FROM prompts", of=url)[0][0]) > number // 2

    yield [Side(name=PRODUCT, take=take, durability="fsync")]


def _command(source: str, target: str) -> list[str]:
    return [sys.executable, "-m", "promptqueue", "migrate", source, target, "--json"]


def _moved(source: str, target: str) -> dict[str, Any]:
    done = subprocess.run(_command(source, target), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return dict(json.loads(done.stdout))
