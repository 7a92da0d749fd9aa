"""Waiting for what happens, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

DEADLINE = 20.0  # seconds, many times what a busy machine takes


def until(look: Callable[[], Found | None], what: str = "it", within: float = DEADLINE) -> Found:
    """Look again and again until there is something to see, and say what was waited for when time is up."""
    deadline = time.monotonic() + within
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"{what}: not within {within} s"
        time.sleep(0.01)


def seconds_until(happens: Callable[[], object], what: str = "it", within: float = DEADLINE) -> float:
    """Wait as `until` does; the seconds it took."""
    start = time.monotonic()
    until(happens, what, within)
    return time.monotonic() - start


def stays(holds: Callable[[], object], *, seconds: float) -> None:
    """Watch for this long that `holds` stays true: for promises that something does not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert holds()
        time.sleep(0.02)
