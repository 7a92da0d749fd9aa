"""Presence: a worker is alive while it holds the lock on its file. The kernel frees the lock when the process dies."""

from __future__ import annotations

import fcntl
import os
import uuid
from typing import TYPE_CHECKING, Self

from promptqueue import filesystem
from promptqueue.prompt import Workers

if TYPE_CHECKING:
    from pathlib import Path


class Presence:
    """This process's entry among the workers: `id` names it in every claim."""

    def __init__(self, folder: Path, *, slots: int) -> None:
        """Enter with `slots` slots: write a file of its own in `folder` and hold its lock."""
        filesystem.make_folder(folder)
        self.id = str(uuid.uuid4())
        self._path = folder / self.id
        # Locked before it gets the name that others look for: a file seen under that name without a lock means death.
        unborn = folder / f".{self.id}"
        self._file = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.write(self._file, str(slots).encode())
            unborn.rename(self._path)
        except BaseException:  # a full disk, say: whoever tries again each second must leave nothing behind
            os.close(self._file)
            unborn.unlink(missing_ok=True)
            raise

    def leave(self) -> None:
        """Take the entry back; what it still claims is recovered by others."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def is_alive(folder: Path, worker: str) -> bool:
    """Tell whether this worker's process lives."""
    try:
        file = os.open(folder / worker, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # A shared lock: two who ask at the same moment must not take each other for the worker.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def alive(folder: Path) -> Workers:
    """Count the workers that live and their slots, and clear away the files of the dead."""
    count = slots = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if is_alive(folder, path.name):
            count += 1
            slots += _slots(path)
        else:
            path.unlink(missing_ok=True)
    return Workers(count=count, slots=slots)


def _slots(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):  # it has just left
        return 0
