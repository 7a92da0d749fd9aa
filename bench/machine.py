"""What the benchmark ran on, so that nobody takes its rates for another machine's."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from promptqueue.sqlite.file.engine import journal_mode, sqlite3

from bench.figures import percentile

QUIET = 0.7  # cores in use, below which a machine is quiet enough
PACKAGES = ("flask", "gunicorn", "gevent", "huey", "litequeue", "persist-queue", "celery", "hoglah", "psycopg")


def described() -> dict[str, str]:
    """Tell it in words."""
    told = {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": sys.version.split()[0],
        "SQLite": f"{sqlite3.sqlite_version}, journal {journal_mode('auto')}",
        "one fdatasync of 4 KB": f"{_sync_microseconds():.0f} µs (p50)",
        "load before the first row": f"{load():.1f}",
        "began": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    return told | {package: found for package in PACKAGES if (found := _version(package))}


def busy_with(cores_in_use: float) -> str:
    """Say that others used the machine, as its load before the first row tells; nothing when they did not."""
    if cores_in_use < QUIET:
        return ""
    return (
        f"The machine was busy with other things when this began: its load was {cores_in_use:.1f} on "
        f"{os.cpu_count()} cores. Take no number here for the product's."
    )


def load() -> float:
    """Tell how many cores were wanted at a time in the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _sync_microseconds() -> float:
    with tempfile.TemporaryFile() as file:
        taken = []
        for _ in range(100):
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            began = time.perf_counter()
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            taken.append(time.perf_counter() - began)
    return 1_000_000 * percentile(taken, 50)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
