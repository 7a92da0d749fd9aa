"""Processes as the system tells of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Process:
    """One that runs. Its session is the process that a test started, whatever became of the ones between."""

    pid: int
    parent: int
    session: int
    arguments: str

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def in_sessions(sessions: Iterable[int]) -> list[Process]:
    """Every process that runs in one of these sessions."""
    wanted = set(sessions)
    return [process for process in everything() if process.session in wanted]


def below(pid: int) -> list[Process]:
    """The process itself and all that descend from it."""
    processes = everything()
    found = [process for process in processes if process.pid == pid]
    for parent in found:  # grows on the way
        found += [process for process in processes if process.parent == parent.pid]
    return found


def everything() -> list[Process]:
    """Every process that runs; one that has ended and is not yet buried does not."""
    listed = _listed_by_kernel() if PROC.is_dir() else _listed_by_ps()
    found = []
    for pid, parent, arguments in listed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            found.append(Process(pid=pid, parent=parent, session=os.getsid(pid), arguments=arguments))
    return found


def _listed_by_kernel() -> list[tuple[int, int, str]]:
    found = []
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if status not in "ZX":
                found.append((int(folder.name), int(parent), arguments))
    return found


def _listed_by_ps() -> list[tuple[int, int, str]]:
    table = subprocess.run(["ps", "-axo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in table.splitlines()]
    return [(int(row[0]), int(row[1]), row[-1]) for row in rows if not row[2].startswith("Z")]
