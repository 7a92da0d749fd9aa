"""persist-queue's queue with acknowledgements on SQLite. Another process's put is noticed within its tick of 10 s."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from bench.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class PersistQueueSQLite(Peer):
    """Durable, and taken back by the next process that opens it."""

    name, package = "persist-queue", "persistqueue"
    durability = "fsync"

    def putter(self, folder: Path) -> Callable[[], object]:
        queue = _open(folder)
        return lambda: queue.put("Why is the sky blue?")

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:  # noqa: ARG002 (of those that call by themselves)
        queue = _open(folder)

        def run() -> None:
            while True:
                prompt = queue.get()
                handle()
                queue.ack(prompt)

        threads = [threading.Thread(target=run) for _ in range(slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _open(folder: Path) -> Any:
    from persistqueue import SQLiteAckQueue  # noqa: PLC0415 (optional)

    return SQLiteAckQueue(str(folder / "persist-queue"), multithreading=True)
