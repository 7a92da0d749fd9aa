"""Memory that was needed once goes back to the system."""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h
LARGE = 128 * 1024  # bytes; the C library's own first threshold


def give_back() -> None:
    """Have large pieces of memory unmapped when they are freed.

    glibc raises its threshold to the largest piece that was ever freed, up to 32 MB, and keeps whatever is below it,
    for each thread apart: after one answer of 10 MB a worker would stay four times as large. A threshold that is set
    stays. A C library without `mallopt` (macOS's, musl) has nothing to set.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE), (M_ARENA_MAX, 1)):
            mallopt(parameter, value)
