"""make chaos: run a campaign and say what came of it; the exit code is 1 if anything was lost, stuck or wrong."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from support.composed import compose_is_missing, engine_is_missing
from support.postgres import programs
from support.wall_clock import MISSING, clock_at

from chaos import campaign
from chaos.contained import Contained
from chaos.owners import Owners
from chaos.plain import Plain
from chaos.report import report
from chaos.target import Target, room_for


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long strikes fall (default: 60)")
    parser.add_argument("--seed", type=int, help="decides every strike and every client's doings (default: a new one)")
    parser.add_argument("--journal", default="auto", choices=["auto", "wal", "persist"], help="SQLite's journal mode")
    parser.add_argument("--compose", action="store_true", help="strike the containers of compose.yaml, not processes")
    parser.add_argument("--owners", action="store_true", help="several owners, whose keys change; not with --compose")
    parser.add_argument("--engine", default="sqlite", choices=["sqlite", "postgres"], help="what keeps the queue")
    options = parser.parse_args()
    if options.engine == "postgres":
        if options.compose:
            parser.error("--engine postgres strikes a server beside plain processes: leave --compose out.")
        if programs() is None:
            sys.exit("no PostgreSQL; on Debian: apt-get install postgresql")
    if options.owners and options.compose:
        parser.error("--owners makes keys in the queue of plain processes: leave --compose out.")
    seed = random.randrange(10_000) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    print(f"A campaign of {options.seconds:g} s with SEED={seed}; evidence is kept in {folder}", flush=True)
    room, cast = room_for(options.seconds), None
    product: Target
    if options.compose:
        product = in_containers(folder, options.journal, room)
    else:
        product = on_processes(
            folder,
            options.journal,
            room,
            proxy_processes=4 if options.owners else 1,
            on_postgres=options.engine == "postgres",
        )
        cast = Owners(product.opened, seed=seed) if options.owners else None
    outcome = campaign.run(product, folder, seed=seed, seconds=options.seconds, progress=Progress(), cast=cast)
    told = report(outcome)
    settings = f"SEED={seed} SECONDS={options.seconds:g}"
    settings += " ENGINE=postgres" if options.engine == "postgres" else ""
    settings += f"{' COMPOSE=1' if options.compose else ''}{' OWNERS=1' if options.owners else ''}"
    (folder / "report.txt").write_text(f"{settings}\n{told}\n", "utf-8")
    print(f"\n{told}\n\nEvidence: {folder}")
    return 1 if outcome.findings else 0


def on_processes(folder: Path, journal_mode: str, room: int, *, proxy_processes: int, on_postgres: bool) -> Plain:
    clock = clock_at(folder / "clock")
    if clock is None:
        print(f"The clock is not stepped: {MISSING}", flush=True)
    return Plain(
        folder,
        room=room,
        clock=clock,
        journal_mode=journal_mode,
        proxy_processes=proxy_processes,
        on_postgres=on_postgres,
    )


def in_containers(folder: Path, journal_mode: str, room: int) -> Target:
    if reason := compose_is_missing() or engine_is_missing():
        sys.exit(reason)
    print("The clock is not stepped: containers have the machine's. Building the images ...", flush=True)
    return Contained(folder, room=room, journal_mode=journal_mode)


class Progress:
    """One line that is written over in a terminal, and now and then a line elsewhere."""

    def __init__(self) -> None:
        self._start = self._said = time.monotonic()

    def __call__(self, words: str) -> None:
        now = time.monotonic()
        line = f"{now - self._start:5.0f} s  {words}"
        if sys.stdout.isatty():
            print(f"\r\033[K{line[: os.get_terminal_size().columns - 1]}", end="", flush=True)
        elif now - self._said >= 15:
            self._said = now
            print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
