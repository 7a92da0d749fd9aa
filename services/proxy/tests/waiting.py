"""Waiting for what happens, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 20.0  # seconds


def until(happens: Callable[[], Any], *, within: float = DEADLINE) -> Any:
    """Wait until `happens` gives something true, and give that."""
    deadline = time.monotonic() + within
    while not (found := happens()):
        assert time.monotonic() < deadline, f"did not happen within {within} s"
        time.sleep(0.005)
    return found
