"""Presence: a process is alive while it holds the lock on its file. The kernel frees the lock when the process dies.

Workers have one folder of such files, and those that hold clients' calls another.
"""

import errno
import fcntl
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from promptqueue.condition import Workers
from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.host import filesystem
from promptqueue.sqlite.host.slots import Slot, SlotFiles

# How to open files that anybody may have put there: do not wait for a FIFO, do not follow a link.
SEEING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
LONGEST_NUMBER = 9  # digits


class PresenceFile(AbstractContextManager["PresenceFile"]):
    """This process's entry in a folder: `id` names it in every claim, or hold."""

    def __init__(self, folder: Path, *, slots: int = 0) -> None:
        self.id = str(uuid.uuid4())
        self._path = folder / self.id
        self._slots = slots
        self._taken = SlotFiles(folder.with_name("slots"))
        self._file = self._enter()

    def stay(self) -> None:
        with _errors(f"The process's entry {self._path} cannot be made again"):
            if not self._path.exists():
                lost, self._file = self._file, self._enter()
                os.close(lost)
            before = self._taken.held
            self._taken.keep()
            if self._taken.held != before:
                self._tell()

    def slots(self) -> set[Slot]:
        return self._taken.held

    def take_slot(self, server: str, *, below: int) -> int | None:
        with _errors(f"A slot of {server} cannot be taken"):
            number = self._taken.take(server, below=below)
            self._tell()
        return number

    def give_slot_back(self, server: str, number: int) -> None:
        with _errors(f"A slot of {server} cannot be given back"):
            self._taken.give_back((server, number))
            self._tell()

    def leave(self) -> None:
        _remove(self._path)
        os.close(self._file)
        self._taken.give_all_back()

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _enter(self) -> int:
        filesystem.make_folder(self._path.parent)
        # Lock it before it gets its name: a file of that name without a lock means that its process died.
        unborn = self._path.with_name(f".{self.id}")
        file = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._write(file)
            unborn.rename(self._path)
        except BaseException:  # a full disk, say: callers try again each second, and must leave nothing behind
            os.close(file)
            unborn.unlink(missing_ok=True)
            raise
        return file

    def _tell(self) -> None:
        self._write(self._file)

    def _write(self, file: int) -> None:
        """Say how many slots it has, in one length, so that whoever reads meanwhile finds one number or the other."""
        os.pwrite(file, f"{self._slots + len(self._taken.held):<{LONGEST_NUMBER}}".encode(), 0)


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{what}: {error}."
        raise StorageUnavailable(message) from error


def is_alive(folder: Path, entry: str) -> bool:
    """Whether the process of this entry's name lives."""
    return _living_slots(folder / entry) is not None


def alive(folder: Path) -> Workers:
    """Count the living in a folder and their slots, and remove the files of the dead."""
    count = slots = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        living = _living_slots(path)
        if living is None:
            _remove(path)
        else:
            count, slots = count + 1, slots + living
    return Workers(count=count, slots=slots)


def _remove(path: Path) -> None:
    """Remove a file, but not a folder that somebody put in its place."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)


def _living_slots(path: Path) -> int | None:
    """Read how many slots a living process has; None where none lives by this name."""
    try:
        file = os.open(path, SEEING)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # nothing there, or nothing that an entry is
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        # A shared lock, so that two callers at the same moment do not take each other for the process.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return int(os.read(file, LONGEST_NUMBER))
        except (OSError, ValueError):  # somebody replaced what it wrote
            return 0
    finally:
        os.close(file)
    return None
