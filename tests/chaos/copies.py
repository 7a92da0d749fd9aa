"""Copies of the database as it is on the disk at a random moment: what a kill of everything at once would leave.

Everything stands still while a copy is made, so it holds what each process had written by then, and nothing later.
What had been written and not synced is in it too: how a power cut would treat that, `power.py` tries out.
"""

from __future__ import annotations

import queue
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.errors import StorageUnavailable

from chaos.database import contents
from chaos.findings import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Set
    from pathlib import Path

    from chaos.database import Contents
    from chaos.history import History, Seen
    from chaos.target import Target

DATABASE = "queue.db"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy; all that clients had been told by `moment` must be in it."""

    folder: Path
    moment: float


class Copies:
    """Takes copies, and checks them on a thread of its own. A good one is thrown away, a bad one is kept."""

    def __init__(self, product: Target, folder: Path, history: History) -> None:
        self._product = product
        self._folder = folder
        self._history = history
        self._unchecked: queue.SimpleQueue[Copy | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._check_all, name="copies", daemon=True)
        self._taken = 0
        self.checked = 0
        self.findings: list[Finding] = []

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Check what is left to check."""
        self._unchecked.put(None)
        self._thread.join()

    def take(self) -> None:
        """Copy the database files while nobody writes."""
        self._taken += 1
        folder = self._folder / f"copy-{self._taken:03}"
        folder.mkdir(parents=True)
        self._unchecked.put(Copy(folder=folder, moment=self._product.copy(folder)))

    def _check_all(self) -> None:
        while copy := self._unchecked.get():
            found = check(copy.folder / DATABASE, copy.moment, self._history.everything())
            self.findings += [
                Finding(kind=each.kind, about=f"{copy.folder.name}, {each.about}", words=each.words) for each in found
            ]
            self.checked += 1
            if not found:
                shutil.rmtree(copy.folder)


def check(path: Path, moment: float, history: list[Seen]) -> list[Finding]:
    """Open a copy as a new start of the product would, and hold it against what clients had been told by then."""
    try:
        opened = connect(f"sqlite:///{path}").open()
        opened.recover()
        opened.close()
    except StorageUnavailable as unavailable:
        return [Finding(kind=Kind.WRONG, about="all", words=f"it does not open: {unavailable}")]
    stored = contents(path)
    if stored.integrity != "ok":
        return [Finding(kind=Kind.WRONG, about="all", words=f"integrity_check says {stored.integrity}")]
    deleted = _deleted(history, moment)
    told = [seen for seen in history if seen.ended <= moment and seen.prompt_id not in deleted]
    retried = {seen.prompt_id for seen in history if seen.what == "retry" and seen.begun <= moment}
    return list(_missing(stored, told, retried))


def _missing(stored: Contents, told: list[Seen], retried: Set[str | None]) -> list[Finding]:
    """Give what was told and is not in the copy; one that may have been retried has not ended for good."""
    found = []
    for seen in told:
        if seen.prompt_id is None:
            continue
        row = stored.prompts.get(seen.prompt_id)
        if row is None:
            if seen.what == "submit" and seen.status == 202:
                found.append(Finding(kind=Kind.LOST, about=seen.script, words="accepted before, and not in it"))
        elif seen.prompt_id in retried:
            continue
        elif seen.standing and seen.standing["status"] == "completed" and row["outcome"] != seen.standing["outcome"]:
            words = f"it had ended as {seen.standing['outcome']}, and is {row['outcome'] or row['status']} in it"
            found.append(Finding(kind=Kind.WRONG, about=seen.script, words=words))
    return found


def _deleted(history: list[Seen], moment: float) -> set[str]:
    return {seen.prompt_id for seen in history if seen.what == "deleting" and seen.ended <= moment and seen.prompt_id}
