"""Ports for what the tests start."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below those that the kernel gives to clients, so that one stays free while nobody listens."""
EACH = 1_000
"""So many belong to one of the processes that share a run of the tests."""

_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_first = FIRST + _process * EACH % (LAST - FIRST)
_offsets = itertools.count(random.randrange(EACH))


def free_port() -> int:
    """Find a port that nobody uses. No other test is given it, and it stays free until somebody listens."""
    for _ in range(EACH):
        port = _first + next(_offsets) % EACH
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    message = f"no port is free between {_first} and {_first + EACH}"
    raise OSError(message)
