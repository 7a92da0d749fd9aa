"""What strace saw of the product: each write and each sync of the database's files, and each answer, in one order."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLS = "pwrite64,ftruncate,unlink,fsync,fdatasync,sendto"
STRACE = ("-f", "-y", "-qq", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none")
NAMES = ""
"""Stands for the folder where the files have their names."""

LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
CALL = re.compile(r"(?P<name>\w+)\(\d+<(?P<file>[^>]*)>(?P<arguments>.*)", re.DOTALL)
UNLINK = re.compile(r'unlink\("(?P<file>[^"]*)"')
TEXT = re.compile(r', "(?P<text>(?:[^"\\]|\\.)*)"')
NUMBERS = re.compile(r", (?P<numbers>\d+(?:, \d+)*)(?:\)| <unfinished)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
TOLD = re.compile(rb"HTTP/1\.1 (?P<status>\d+) .*\r\nX-Prompt-Id: (?P<id>[0-9a-f-]+)\r\n", re.DOTALL)
DATABASE = re.compile(r".*/data(?:/(?P<name>queue\.db(?:-wal|-journal)?))?")


@dataclass(frozen=True, kw_only=True)
class Written:
    """Bytes handed to the kernel: they may reach the disk from here on, and must only once the file is synced."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A file that was cut to a length."""

    file: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A file that lost its name: may come back until the folder is synced."""

    file: str


@dataclass(frozen=True, kw_only=True)
class Synced:
    """A sync has returned: what came before event number `since` and belongs to this file is on the disk."""

    file: str
    since: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer about a prompt begins to be sent."""

    status: int
    prompt_id: str


Event = Written | Cut | Removed | Synced | Told


def read(trace: Path) -> list[Event]:
    """Read the trace. A write counts from its beginning, a sync from its end."""
    events: list[Event] = []
    syncing: dict[str, Synced] = {}  # by thread
    for thread, rest in _lines(trace):
        event = _event(rest, number=len(events))
        if RESUMED.match(rest):
            event = syncing.pop(thread, None)
        elif isinstance(event, Synced) and rest.endswith("<unfinished ...>"):
            syncing[thread] = event
            continue
        if event and not (isinstance(event, Synced) and not rest.endswith("= 0")):
            events.append(event)
    return events


def _event(rest: str, *, number: int) -> Event | None:  # noqa: PLR0911 (the table of the calls)
    """Read what one line says of a file of the database, of their folder, or to a client."""
    if unlinked := UNLINK.match(rest):
        of = DATABASE.fullmatch(unlinked["file"])
        return Removed(file=of["name"]) if of and of["name"] else None
    call = CALL.match(rest)
    if call is None:
        return None
    match call["name"], DATABASE.fullmatch(call["file"]):
        case "pwrite64", re.Match() as of:
            data, (_, offset) = _data(call["arguments"])
            return Written(file=of["name"], offset=offset, data=data)
        case "ftruncate", re.Match() as of:
            return Cut(file=of["name"], size=_numbers(call["arguments"])[0])
        case (("fsync" | "fdatasync"), re.Match() as of):
            return Synced(file=of["name"] or NAMES, since=number)
        case "sendto", None:
            told = TOLD.match(_data(call["arguments"])[0])
            return Told(status=int(told["status"]), prompt_id=told["id"].decode()) if told else None
        case _:
            return None


def _lines(trace: Path) -> Iterator[tuple[str, str]]:
    """Read the thread and the call of each line. strace may be in the midst of the last: that one has not happened."""
    with trace.open(encoding="latin-1") as lines:
        for line in lines:
            if line.endswith("\n") and (found := LINE.match(line.rstrip("\n"))):
                yield found["thread"], found["rest"].rstrip()


def _data(arguments: str) -> tuple[bytes, list[int]]:
    """Read a string as strace writes it, which is as C and Python do, and the numbers after it."""
    text = TEXT.match(arguments)
    assert text, arguments[:200]
    return ast.literal_eval(f'b"{text["text"]}"'), _numbers(arguments[text.end() :])


def _numbers(arguments: str) -> list[int]:
    found = NUMBERS.match(arguments)
    return [int(number) for number in found["numbers"].split(", ")] if found else []
