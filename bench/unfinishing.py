"""A stranger in a process of its own, `python -m bench.unfinishing URL SECONDS`: requests that are never finished."""

from __future__ import annotations

import resource
import socket
import sys
import time
from contextlib import suppress

HERE = "127.0.0.9"  # another of this machine's addresses than everybody else's
HEADS = 10_050  # more than there are places
BODIES = 900
SPARE = 200  # of the files that this process may open
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = b'POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{"prompt": "'


def main(url: str, seconds: float) -> None:
    """Open them all, say how many there are, and hold them for so long."""
    host, _, port = url.removeprefix("http://").partition(":")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HEADS + BODIES + SPARE
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, may), hard))
    held = []
    for said in [HALF_A_BODY] * BODIES + [HALF_A_HEAD] * min(HEADS, max(soft, may) - BODIES - SPARE):
        one = socket.create_connection((host, int(port)), 90, source_address=(HERE, 0))
        with suppress(OSError):  # it was let go already
            one.sendall(said)
        held.append(one)
    print(len(held), flush=True)
    time.sleep(seconds)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
