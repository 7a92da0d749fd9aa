"""A worker's commits, made by a process of its own: `python -m bench.committing turnstile queue.db 3 0.02`."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.prompt import Answered, Terms
from promptqueue.sqlite.file.engine import sqlite3

if TYPE_CHECKING:
    from collections.abc import Callable


def main(how: str, database: str, seconds: str, every: str) -> None:
    """Print the seconds that each commit took."""
    commit = {"turnstile": by_turns, "busy": by_busy_handler}[how](database)
    print(json.dumps(repeated(commit, seconds=float(seconds), every=float(every))))


def by_turns(database: str) -> Callable[[], None]:
    """Finish a prompt and claim the next in one commit, as the worker does."""
    queue = connect(f"sqlite:///{database}").open()
    terms, ending = Terms(worker="bench"), Answered(record={"response": "Rayleigh.", "done": True}, tokens=2)
    claim = queue.claim(terms)

    def commit() -> None:
        nonlocal claim
        with queue.transaction():
            if claim:
                queue.finish(claim, ending)
            claim = queue.claim(terms)

    return commit


def by_busy_handler(database: str) -> Callable[[], None]:
    """Make the smallest commit there is, and leave it to SQLite to wait for the lock."""
    connection = sqlite3.connect(database, timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE control SET paused = paused")
        connection.execute("COMMIT")

    return commit


def repeated(commit: Callable[[], None], *, seconds: float, every: float) -> list[float]:
    """Commit at this pace for so long."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        commit()
        taken.append(time.monotonic() - began)
        time.sleep(max(0.0, began + every - time.monotonic()))
    return taken


if __name__ == "__main__":
    main(*sys.argv[1:])
