"""The log: one event, one line, in fixed words, then key=value. A prompt's text and an Idempotency-Key are in no line."""

from __future__ import annotations

import logging
import sys
import time


def to_stdout(level: str) -> None:
    """Send this process's log to standard output, in UTC."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("flask_cors").setLevel(logging.WARNING)  # at info it comments on every OPTIONS
