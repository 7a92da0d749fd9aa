"""A peer's worker in a process of its own: `python -m bench.peers.working NAME FOLDER SLOTS DRAIN URL`."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import direct
from bench.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable


def main(name: str, folder: str, slots: str, drain: str, url: str = "") -> None:
    """Answer prompts with calls to `url`, or take `drain` instant ones out and print how many that were a second."""
    [peer] = [peer for peer in PEERS if peer.name == name]
    handle = calling(url) if url else counting(int(drain))
    peer.work(Path(folder), handle, slots=int(slots), url=url)


def calling(url: str) -> Callable[[], None]:
    """Make the call that a direct client makes."""

    def handle() -> None:
        for _ in direct.ask(url):
            pass

    return handle


def counting(number: int) -> Callable[[], None]:
    """Count, and end the process with the last one."""
    moments: list[float] = []
    lock = threading.Lock()

    def handle() -> None:
        with lock:
            moments.append(time.monotonic())
            if len(moments) == number:
                print((number - 1) / (moments[-1] - moments[0]), flush=True)
                os._exit(0)

    return handle


if __name__ == "__main__":
    main(*sys.argv[1:])
