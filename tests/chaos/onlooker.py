"""The onlooker: reads what no client is told, how often each prompt was tried and failed, again and again."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptqueue.sqlite.engine import sqlite3  # a process opens a file through one module alone

if TYPE_CHECKING:
    from pathlib import Path

EVERY = 0.2  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """How often a prompt had been tried and had failed at one look."""

    prompt_id: str
    attempt: int
    failures: int


class Onlooker:
    """One thread with a connection that only reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onlooker", daemon=True)
        self.looks: list[list[Tries]] = []

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY):
            try:
                with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)) as database:
                    while not self._over.wait(EVERY):
                        self.looks.append(_look(database))
            except sqlite3.OperationalError:
                pass  # not there yet, or locked by somebody who stands still


def _look(database: sqlite3.Connection) -> list[Tries]:
    # Those that ended a while ago do not change, and at the very end all are looked at.
    rows = database.execute(
        """
        SELECT id, attempt, failures FROM prompts WHERE status = 'processing'
        UNION ALL
        SELECT id, attempt, failures FROM prompts WHERE status = 'queued' AND attempt > 0
        """
    )
    return [Tries(prompt_id=row[0], attempt=row[1], failures=row[2]) for row in rows]
