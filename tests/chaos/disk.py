"""A disk that keeps what was synced, and of all else what it likes: what a power cut leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from chaos.trace import NAMES, Cut, Removed, Synced, Told, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from chaos.trace import Event

Change = Written | Cut | Removed

SECTOR = 512  # bytes that a disk writes whole or not at all


class Kept(StrEnum):
    """What is kept of the writes that no sync has followed."""

    NOTHING = "nothing"
    SOME = "some writes"  # in no order: a disk and a kernel write as they like
    TORN = "some sectors"
    ALL = "everything"


@dataclass
class Disk:
    """The files as far as they are synced, and what is owed to them."""

    files: dict[str, bytearray] = field(default_factory=dict)
    _owed: list[tuple[int, Change]] = field(default_factory=list)

    def take(self, number: int, event: Event) -> None:
        """Go on by one event of a trace."""
        match event:
            case Written() | Cut() | Removed():
                self._owed.append((number, event))
            case Synced(file=file, since=since):
                for owed in [each for each in self._owed if _owed_to(each[1]) == file and each[0] < since]:
                    _apply(self.files, owed[1])
                    self._owed.remove(owed)
            case Told():
                pass
            case _:
                assert_never(event)

    def after_power_cut(self, kept: Kept, random: Random) -> dict[str, bytearray]:
        """Give the files as they are found when the power is back."""
        files = {name: bytearray(content) for name, content in self.files.items()}
        for change in _kept([each for _, each in self._owed], kept, random):
            _apply(files, change)
        return files


def _owed_to(change: Change) -> str:
    """Say what must be synced for this change to be kept. That a file has a name at all is taken to be kept."""
    return NAMES if isinstance(change, Removed) else change.file


def _kept(owed: Sequence[Change], kept: Kept, random: Random) -> Iterator[Change]:
    match kept:
        case Kept.NOTHING:
            return
        case Kept.ALL:
            yield from owed
        case Kept.SOME:
            yield from (change for change in owed if random.random() < 0.5)
        case Kept.TORN:
            for change in owed:
                pieces = _sectors(change) if isinstance(change, Written) else iter([change])
                yield from (piece for piece in pieces if random.random() < 0.5)


def _sectors(write: Written) -> Iterator[Written]:
    """Cut a write where the disk's sectors end."""
    at = 0
    while at < len(write.data):
        to = at + SECTOR - (write.offset + at) % SECTOR
        yield Written(file=write.file, offset=write.offset + at, data=write.data[at:to])
        at = to


def _apply(files: dict[str, bytearray], change: Change) -> None:
    if isinstance(change, Removed):
        files.pop(change.file, None)
        return
    content = files.setdefault(change.file, bytearray())
    match change:
        case Cut(size=size):
            content[size:] = bytes(max(0, size - len(content)))
        case Written(offset=offset, data=data):
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
