"""Slots of model servers: each is a lock on a file of its own, which the kernel frees when the process dies."""

import fcntl
import hashlib
import os
from pathlib import Path

from promptqueue.sqlite.host import filesystem

SEEING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW  # whatever somebody may have put there

Slot = tuple[str, int]  # the server's address, and which of its slots


class SlotFiles:
    """The slots that one process holds, among the files of all in a folder. Everything may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Slot, int] = {}

    @property
    def held(self) -> set[Slot]:
        """Which it holds."""
        return {*self._files}

    def take(self, server: str, *, below: int) -> int | None:
        """Take the first that is free of a server's slots 0 to `below` - 1; None where none is."""
        numbers = (number for number in range(below) if (server, number) not in self._files)
        return next((number for number in numbers if self._lock((server, number))), None)

    def give_back(self, slot: Slot) -> None:
        """Hold it no more."""
        os.close(self._files.pop(slot))

    def give_all_back(self) -> None:
        """Hold none."""
        for slot in self.held:
            self.give_back(slot)

    def keep(self) -> None:
        """Take those again whose files somebody has taken away, where nobody else has them by now."""
        for slot, file in [*self._files.items()]:
            if not self._is_named(slot, file):
                self.give_back(slot)
                self._lock(slot)

    def _lock(self, slot: Slot) -> bool:
        filesystem.make_folder(self._folder)
        filesystem.make_file(self._path(slot))
        file = os.open(self._path(slot), SEEING)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._files[slot] = file
        if self._is_named(slot, file):
            return True
        self.give_back(slot)  # somebody took the file away meanwhile
        return False

    def _is_named(self, slot: Slot, file: int) -> bool:
        found = os.fstat(file)
        return filesystem.identity(str(self._path(slot))) == (found.st_dev, found.st_ino)

    def _path(self, slot: Slot) -> Path:
        server, number = slot
        # An address may have characters, or a length, that no name of a file may have.
        return self._folder / f"{hashlib.sha256(server.encode()).hexdigest()[:32]}.{number}"
