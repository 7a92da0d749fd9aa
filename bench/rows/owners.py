"""What fair turns cost: the queue's verbs with few and many owners, beside the last release's, which had none."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Goal
from bench.measurement import Absent, Figure, Measurement, Readings, Side, ratio
from bench.stored import EMPTY, MILLION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "bench/owning.py"
RELEASE = "df6f580"  # 1.0.0
SIZES, QUICK_SIZES = (EMPTY, MILLION), (EMPTY, 10_000)
OWNERS = (1, 30, 1_000)
FEW = 30


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="owners",
            what="CPU of the queue's verbs / those of the last release",
            sides=_sides,
            repeats=8,
            seconds=60,
            figures=tuple(
                Figure(
                    what=f"{verb}, {'much' if size else 'nothing'} stored, owners: {owners:,}",
                    values=_beside_release(verb, owners, has_much=bool(size)),
                    goal=Goal(at_most=1.5) if verb != "position" and owners <= FEW else None,
                    unit="×",
                )
                for size in SIZES
                for owners in OWNERS
                for verb in ("submit", "claim", "finish", "position")
            ),
            how=f"At the queue itself, each call with its own commit. Much is {MILLION:,} answered prompts and a tenth "
            "of it waiting, of so many owners. The last release knows no owners. CPU of the thread, the median.",
        )
    ]


def _beside_release(verb: str, owners: int, *, has_much: bool) -> Callable[[Readings], list[float]]:
    def beside(readings: Readings) -> list[float]:
        measured = [each for each in (*SIZES, *QUICK_SIZES) if _name(each, 0) in readings.taken]
        size = next((each for each in measured if bool(each) is has_much), 0)
        return ratio(verb, _name(size, owners), to=_name(size, 0))(readings)

    return beside


def _name(size: int, owners: int) -> str:
    return f"{size:,} stored, {f'{owners:,} owners' if owners else 'the last release'}"


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
    with ExitStack() as ending:

        def side(size: int, owners: int, tree: Path) -> Side:
            bench.say(f"filling {_name(size, owners)}")
            child = ending.enter_context(_Child(tree, size, owners, bench.new_folder()))
            return Side(name=_name(size, owners), take=child.use)

        sizes = QUICK_SIZES if bench.quick else SIZES
        sides: list[Side | Absent] = [side(size, owners, ROOT) for size in sizes for owners in OWNERS]
        released = _released(bench.new_folder())
        for size in sizes:
            if released:
                sides.append(side(size, 0, released))
            else:
                sides.append(Absent(name=_name(size, 0), why=f"the history does not reach back to {RELEASE}"))
        yield sides


def _released(folder: Path) -> Path | None:
    """Put the last release's files into a folder; None where the history does not have it."""
    archive = subprocess.run(["git", "archive", RELEASE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


class _Child:
    """A process that uses a queue of its own, made by the release whose files lie in `tree`."""

    def __init__(self, tree: Path, size: int, owners: int, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(size), str(owners), str(folder)],
            env={**os.environ, "PYTHONPATH": f"{tree}:{tree / 'services/promptqueue/src'}"},  # noqa: TID251 (a child's)
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Child:
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def use(self) -> dict[str, float | list[float]]:
        """Use each verb some times; the microseconds of each call."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        taken: dict[str, float | list[float]] = json.loads(self._read())
        return taken

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            message = f"the process that uses the queue ended with {self._process.wait()}"
            raise RuntimeError(message)
        return line
