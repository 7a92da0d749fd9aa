"""What processes use: processor time, memory, the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.processes import Process

PROC = Path("/proc")


def processor_seconds(processes: Iterable[Process]) -> float:
    """Give the processor time that these have used so far, to the nanosecond. Raises CannotRun."""
    _only_on_linux()
    return sum(time.clock_gettime(~process.pid << 3 | 2) for process in processes)  # clock_getcpuclockid(3)


def reaped_processor_seconds(pid: int) -> float:
    """Give the processor time of a process's children that have ended, to the hundredth. Raises CannotRun."""
    _only_on_linux()
    *_, user, system = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:15]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory(processes: Iterable[Process]) -> float:
    """Give the bytes that these hold in memory, a page that several share counted once (PSS). Raises CannotRun."""
    return sum(1024 * _number(PROC / str(process.pid) / "smaps_rollup", "Pss") for process in processes)


def written_bytes(processes: Iterable[Process]) -> float:
    """Give the bytes that these have had written to a disk so far. Raises CannotRun."""
    return sum(_number(PROC / str(process.pid) / "io", "write_bytes") for process in processes)


def _number(file: Path, name: str) -> int:
    _only_on_linux()
    return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(f"{name}:"))


def _only_on_linux() -> None:
    if not (PROC / "self/smaps_rollup").exists():
        message = "only Linux tells what a process uses"
        raise CannotRun(message)
