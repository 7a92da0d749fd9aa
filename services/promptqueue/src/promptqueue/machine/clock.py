"""The clocks of the queue: a monotonic one for leases, the wall for display, expiry and retention.

A third clock, which nobody sets and which counts sleep, shows whether the wall clock can be believed.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clock:
    """The kernel's own clocks. Tests hand in a clock that they move."""

    @property
    def boot(self) -> str:
        """The kernel's boot: monotonic times of another boot mean nothing."""
        return _boot()

    def monotonic(self) -> float:
        """Seconds of this boot, the same for all containers; never stepped, and still in sleep (CLOCK_MONOTONIC)."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, as the machine believes."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds of this boot, those of sleep included; never stepped."""
        return time.clock_gettime(_UNSLEEPING)


# CLOCK_BOOTTIME on Linux (clock_gettime(2)); on macOS CLOCK_MONOTONIC goes on in sleep (clock_gettime(3)).
_UNSLEEPING: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@cache
def _boot() -> str:
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    if boot_id.exists():
        return boot_id.read_text().strip()
    if sys.platform == "darwin":
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
        ).stdout.strip()
    message = f"Leases need to know the kernel's boot, and {sys.platform} does not name it."
    raise OSError(message)
