"""Read by Python at its start under libfaketime, which refuses the absolute clock_nanosleep that Python sleeps with.

Version 0.9.10 answers EINVAL whenever CLOCK_MONOTONIC is left alone (DONT_FAKE_MONOTONIC), as it must be here.
"""

import time
from select import select  # as it is now: gevent replaces the one in the module


def _sleep(seconds: float) -> None:
    select([], [], [], seconds)


time.sleep = _sleep
