"""litequeue: a table with statuses. It has no worker and no way to wait, so one is made that looks every 50 ms."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from bench.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from litequeue import LiteQueue

LOOK_EVERY = 0.05  # seconds


class LiteQueueSQLite(Peer):
    """Survives a crash of the process; a power cut may take what was accepted."""

    name, package = "litequeue", "litequeue"
    durability = "no fsync (synchronous=NORMAL): a power cut may take accepted prompts"

    def putter(self, folder: Path) -> Callable[[], object]:
        queue = _open(folder)
        return lambda: queue.put("Why is the sky blue?")

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:  # noqa: ARG002 (of those that call by themselves)
        def run() -> None:
            queue = _open(folder)
            while True:
                message = queue.pop()
                if message is None:
                    time.sleep(LOOK_EVERY)
                    continue
                handle()
                queue.done(message.message_id)

        threads = [threading.Thread(target=run) for _ in range(slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _open(folder: Path) -> LiteQueue:
    from litequeue import LiteQueue  # noqa: PLC0415 (optional)

    return LiteQueue(folder / "litequeue.db", timeout=30)
