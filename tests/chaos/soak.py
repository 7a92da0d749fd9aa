"""make soak: a steady load for long, and whether anything grows: memory, open files, the journal.

What grows with each prompt is found in twenty minutes; what is only filled at first (caches, pools) is not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from simulator.client import Simulator
from support.processes import PROC
from support.stack import Stack
from support.waiting import until

from chaos.__main__ import Progress
from chaos.filler import Filler
from chaos.owners import Keyless
from chaos.target import room_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from support.processes import Process

    from chaos.filler import Filling

EVERY = 5.0  # seconds from one look to the next
WARM_UP = 0.25  # of the time
GROWTH = 0.05  # of a process's memory, from the first to the last third of what follows the warm-up
HANDLES = 2  # more open files than before
LARGEST_JOURNAL = 24 * 1024 * 1024  # bytes; the janitor empties it at 16 MB, once a minute
RATE = 12.0  # prompts a second
FILLINGS = 8  # of all the room there is, for FULL_FOR seconds each
FULL_FOR = 2.0

ENDINGS = {"-m worker": "worker", "-m worker.janitor": "janitor", "end-when-fatal": "supervisor's listener"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """A process at one moment."""

    memory: int  # bytes of its own: its share of programs and libraries changes with who else runs on the machine
    handles: int


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """What a soak saw: of each process its looks, and the journal's sizes."""

    looks: Mapping[str, Sequence[Look]]
    journal: Sequence[int]
    answered: int
    fillings: Sequence[Filling]

    def figures(self) -> Iterator[tuple[str, str, str | None]]:
        """Give each figure: its name, its value, and what is wrong with it, if anything is."""
        yield "prompts answered", f"{self.answered}", None if self.answered else "none"
        for name, looks in self.looks.items():
            before, after = (median(look.memory for look in part) for part in _ends(looks))
            growth = after / before - 1
            words = f"{before / 1e6:.1f} MB, then {after / 1e6:.1f} MB: {growth:+.1%}"
            yield f"memory of {name}", words, "it grows" if growth > GROWTH else None
            before, after = (median(look.handles for look in part) for part in _ends(looks))
            yield f"open files of {name}", f"{before:g}, then {after:g}", "more" if after > before + HANDLES else None
        full = sum(filling.full_at is not None for filling in self.fillings)
        lost = sum(filling.lost for filling in self.fillings)
        yield "the room was full", f"{full} times, {lost} prompts lost", None if full and not lost else "not as it must"
        largest = max(self.journal, default=0)
        yield "largest journal", f"{largest / 1e6:.1f} MB", "unbounded" if largest > LARGEST_JOURNAL else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200, help="how long it lasts (default: 1200)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"A soak of {options.seconds:g} s, {RATE:g} prompts a second; logs are kept in {folder}", flush=True)
    soaked = soak(folder, seconds=options.seconds, progress=Progress())
    print()
    figures = list(soaked.figures())
    for name, value, wrong in figures:
        print(f"  {name:<40}{value}{f'  <- {wrong}' if wrong else ''}")
    return 1 if any(wrong for _, _, wrong in figures) else 0


def soak(folder: Path, *, seconds: float, progress: Callable[[str], None]) -> Soaked:
    """Keep the product busy for so many seconds, and look at it every now and then."""
    looks: dict[str, list[Look]] = defaultdict(list)
    journal: list[int] = []
    with Simulator(slots=4, pace=0.002, text="word " * 40) as ollama:
        room = room_for(seconds)
        stack = Stack(folder / "product", ollama, {"WORKER_CONCURRENCY": "4", "MAX_STORED_BYTES": str(room)})
        filler = Filler(stack.port, room, Keyless())
        try:
            stack.start()
            until(lambda: stack.get("/readyz").status == 200, "the product is ready", 60)
            names = {process.pid: name for process in stack.processes() if (name := _name(process))}
            load = Load(stack)
            begun = time.monotonic()
            filled, end = 0, begun + seconds
            while (now := time.monotonic()) < end:
                if now >= begun + filled * seconds / FILLINGS:
                    filler.fill(for_seconds=FULL_FOR)
                    filled += 1
                time.sleep(min(EVERY, end - now))
                for pid, name in names.items():
                    looks[name].append(_look(pid))
                journal.append(sum(file.stat().st_size for file in (folder / "product/data").glob("queue.db-[wj]*")))
                progress(f"{load.answered} prompts, journal {journal[-1] / 1e6:.1f} MB")
            filler.end()
            load.end()
        finally:
            stack.stop()
    return Soaked(looks=looks, journal=journal, answered=load.answered, fillings=filler.fillings)


class Load:
    """Clients that together keep the rate; each waits for its answers, and cancels or deletes some prompts."""

    def __init__(self, stack: Stack, *, clients: int = 6) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._each = clients / RATE
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self.answered = 0
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        number = 0
        next_at = time.monotonic()
        while not self._over.is_set():
            number += 1
            prompt_id = until(lambda number=number: self._submit(number), "there is room", 60)  # type: ignore[misc]
            match number % 10:
                case 3:
                    self._stack.cancel(prompt_id)
                case 7:
                    self._stack.delete(f"/api/v1/prompt/{prompt_id}")
                case _:
                    self._stack.get(f"/api/v1/prompt/{prompt_id}/status?wait=5")
                    self.answered += self._stack.result(prompt_id).status == 200
            next_at = max(next_at + self._each, time.monotonic() - self._each)
            self._over.wait(max(0.0, next_at - time.monotonic()))

    def _submit(self, number: int) -> str | None:
        """Hand one in; None while there is no room."""
        reply = self._stack.post("/api/v1/prompt", {"prompt": "Why is the sky blue?", "metadata": {"number": number}})
        assert reply.status == 202 or "storage_full" in reply.text, reply.text
        return str(reply.json["id"]) if reply.status == 202 else None


def _name(process: Process) -> str | None:
    if "gunicorn" in process.arguments:
        return "proxy's master" if process.pid == process.session else "proxy"
    return next((name for ending, name in ENDINGS.items() if process.arguments.endswith(ending)), None)


def _look(pid: int) -> Look:
    rollup = (PROC / f"{pid}/smaps_rollup").read_text()
    own = next(line for line in rollup.splitlines() if line.startswith("Anonymous:"))
    return Look(memory=int(own.split()[1]) * 1024, handles=len(list((PROC / f"{pid}/fd").iterdir())))


def _ends(looks: Sequence[Look]) -> tuple[Sequence[Look], Sequence[Look]]:
    """Give the first and the last third of what followed the warm-up."""
    warm = looks[int(len(looks) * WARM_UP) :]
    third = max(1, len(warm) // 3)
    return warm[:third], warm[-third:]


if __name__ == "__main__":
    sys.exit(main())
