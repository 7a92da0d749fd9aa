"""Waiting for what happens elsewhere, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


def until(look: Callable[[], Value | None], what: str, seconds: float = 10.0, every: float = 0.05) -> Value:
    """Look until there is something to see, and give it."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{seconds:g} seconds went by without {what}")
        time.sleep(every)
