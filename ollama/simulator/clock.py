"""Moments as Go writes them."""

import time
from datetime import UTC, datetime


def timestamp(seconds: float | None = None) -> str:
    """A moment (now, unless given) in RFC 3339 with 0 to 9 digits after the point."""
    nanoseconds = time.time_ns() if seconds is None else int(seconds * 1e9)
    whole, fraction = divmod(nanoseconds, 10**9)
    digits = f".{fraction:09}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"
