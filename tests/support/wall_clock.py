"""A wall clock for the product's processes alone, through libfaketime; the machine's own is never touched."""

from __future__ import annotations

from pathlib import Path

LIBRARY = "libfaketimeMT.so.1"
MISSING = f"no {LIBRARY}; on Debian: apt-get install faketime"
FOLDERS = [
    *(f"/usr/lib/{machine}-linux-gnu/faketime" for machine in ("x86_64", "aarch64")),
    *(f"{folder}/faketime" for folder in ("/usr/lib64", "/usr/lib", "/usr/local/lib")),
]
MENDING = Path(__file__).resolve().parent / "faketime"
"""What Python needs beside the library."""


class WallClock:
    """It can be set while processes run that were started with its `variables`."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.set("+0")
        self.variables = {
            "LD_PRELOAD": str(library),
            "PYTHONPATH": str(MENDING),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",  # else a new time is heard of after ten seconds
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else a thread that waits for Python's lock spins
            "NO_FAKE_STAT": "1",  # a file's times come from the file system's clock, which does not jump here
        }

    def set(self, offset: str) -> None:
        """Be this far from the true time, like +1h or -1h, from now on."""
        following = self._file.with_suffix(".new")
        following.write_text(offset)
        following.replace(self._file)


def clock_at(file: Path) -> WallClock | None:
    """Make a clock that is set through `file`; None where there is no libfaketime."""
    library = next((path for path in (Path(folder) / LIBRARY for folder in FOLDERS) if path.exists()), None)
    return WallClock(file, library) if library else None
