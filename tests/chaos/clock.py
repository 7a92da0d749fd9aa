"""The wall clock of a campaign, where this machine has what it takes to step one for some processes alone."""

from __future__ import annotations

from pathlib import Path

from wall_clock import FOLDERS, LIBRARY, WallClock

MISSING = f"no {LIBRARY}; on Debian: apt-get install faketime"


def wall_clock(file: Path) -> WallClock | None:
    """Make a clock that is set through `file`; None where there is no libfaketime."""
    found = (path for path in (Path(folder) / LIBRARY for folder in FOLDERS) if path.exists())
    library = next(found, None)
    return WallClock(file, library) if library else None
