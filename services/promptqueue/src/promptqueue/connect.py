"""From a DATABASE_URL to the queue that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promptqueue.clock import Clock
from promptqueue.sqlite import SQLitePromptQueue

if TYPE_CHECKING:
    from promptqueue.queue import PromptQueue


def connect(
    url: str, *, journal_mode: str = "auto", lock_timeout: float = 5.0, clock: Clock | None = None
) -> PromptQueue:
    """Open the queue at `url`, creating or migrating it first; one instance for one thread.

    `sqlite:////data/queue.db` is an absolute path, `sqlite:///data/queue.db` one below the working directory.
    `journal_mode` is auto, wal or persist; `lock_timeout` is how many seconds a write may wait for its turn.

    Raises ValueError for a URL that names no queue, StorageUnavailable for one that cannot be opened.
    """
    return SQLitePromptQueue(
        sqlite_path(url), journal_mode=journal_mode, lock_timeout=lock_timeout, clock=clock or Clock()
    )


def sqlite_path(url: str) -> Path:
    """Give the file that an SQLite URL names. Raises ValueError."""
    parts = urlsplit(url)
    path = parts.path[1:]
    # SQLite would keep `:memory:` in memory, and lose what was accepted.
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or path in ("", ":memory:"):
        message = f"DATABASE_URL must look like sqlite:////data/queue.db, got {url!r}."
        raise ValueError(message)
    return Path(path)
