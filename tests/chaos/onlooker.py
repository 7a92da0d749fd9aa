"""The onlooker: reads what no client is told, how often each prompt was tried and failed, again and again.

It runs beside the database, which may lie in a volume: this file is the program, and the campaign reads what it prints.
It has the engine alone that it looks at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chaos.target import Target

EVERY = 0.2  # seconds
ENDED_WITHIN = 15  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """How often a prompt had been tried and had failed at one look."""

    prompt_id: str
    attempt: int
    failures: int


class Onlooker:
    """A process with a connection that only reads, and a thread that listens to it."""

    def __init__(self, product: Target) -> None:
        self._product = product
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._listen, name="onlooker", daemon=True)
        self.looks: list[list[Tries]] = []

    def start(self) -> None:
        with Path(__file__).open() as program:
            self._process = subprocess.Popen(
                self._product.python_beside_the_database(), stdin=program, stdout=subprocess.PIPE, text=True
            )
        self._thread.start()

    @property
    def is_there(self) -> bool:
        """Whether it still looks."""
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(ENDED_WITHIN)
            self._thread.join()

    def _listen(self) -> None:
        assert self._process
        assert self._process.stdout
        for line in self._process.stdout:
            if line.endswith("\n"):
                look = [Tries(prompt_id=each[0], attempt=each[1], failures=each[2]) for each in json.loads(line)]
                self.looks.append(look)


def in_file(path: str) -> Iterator[list[Tries]]:
    """Look again and again, for ever."""
    from promptqueue.sqlite.file.engine import sqlite3  # noqa: PLC0415 (as the product does)

    while True:
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as database:
                while True:
                    # Those that ended a while ago do not change, and at the very end all are looked at.
                    yield _tries(
                        database.execute(
                            """
                            SELECT id, attempt, failures FROM prompts WHERE status = 'processing'
                            UNION ALL
                            SELECT id, attempt, failures FROM prompts WHERE status = 'queued' AND attempt > 0
                            """
                        )
                    )
                    time.sleep(EVERY)
        except sqlite3.OperationalError:
            time.sleep(EVERY)  # not there yet, or locked by somebody who stands still


def on_server(url: str) -> Iterator[list[Tries]]:
    """Look again and again, for ever."""
    import psycopg  # noqa: PLC0415

    while True:
        try:
            with psycopg.connect(url, autocommit=True) as database:
                while True:
                    yield _tries(
                        database.execute(
                            "SELECT id::text, attempt, failures FROM line JOIN prompts USING (seq) WHERE attempt > 0"
                        )
                    )
                    time.sleep(EVERY)
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            time.sleep(EVERY)  # not there yet, or away


def _tries(rows: Iterable[Sequence[Any]]) -> list[Tries]:
    return [Tries(prompt_id=row[0], attempt=row[1], failures=row[2]) for row in rows]


if __name__ == "__main__":
    where = sys.argv[1]
    for look in on_server(where) if "://" in where else in_file(where):
        sys.stdout.write(f"{json.dumps([astuple(tries) for tries in look])}\n")
        sys.stdout.flush()
