"""From a DATABASE_URL to the queue that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promptqueue.errors import QueueMissing
from promptqueue.settings import without_secrets
from promptqueue.sqlite import SQLitePromptQueue
from promptqueue.sqlite.copies.restore import restore as sqlite_restore
from promptqueue.sqlite.host.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from promptqueue.queue import PromptQueue


def connect(
    url: str,
    *,
    journal_mode: str = "auto",
    lock_timeout: float = 5.0,
    clock: Clock | None = None,
    create: bool = True,
) -> PromptQueue:
    """Open the queue at `url`, migrating it first, and making it unless it must be there; one instance for one thread.

    `sqlite:////data/queue.db` is an absolute path, `sqlite:///data/queue.db` one below the working directory.
    `journal_mode` is auto, wal, persist or keep; `lock_timeout` is how many seconds a write may wait for its turn.

    An instance notices at its next verb when the file is no longer at its path: StorageUnavailable. The verb after that
    goes on with what is there by then, whether it was put back or replaced; no instance makes a new one.

    Raises ValueError for a URL that names no queue, StorageUnavailable for one that cannot be opened.
    """
    return SQLitePromptQueue(
        sqlite_path(url), journal_mode=journal_mode, lock_timeout=lock_timeout, clock=clock or Clock(), create=create
    )


def connect_existing(url: str) -> PromptQueue:
    """Open the queue at `url` as it is, in the journal mode that it has. Raises QueueMissing besides."""
    path = sqlite_path(url)
    if not path.exists():
        demo = demo_beside(url)
        there = f" There is one of `make demo` at {demo}." if demo else ""
        message = (
            f"There is no queue at {path.absolute()}: name the one you mean with --database-url or DATABASE_URL.{there}"
        )
        raise QueueMissing(message)
    return connect(url, journal_mode="keep")


def restore(url: str, source: Path | BinaryIO, *, progress: Callable[[int, int], None] | None = None) -> Path | None:
    """Let the queue in `source`, which `backup` made, take the place of the one at `url`; where that one lies then.

    At every moment there is a whole database of this name, the old one or the new. Nobody can open it meanwhile. What
    was accepted after the backup stands in the old one alone; what was completed since runs again. A stream is read to
    its end and checked before anything is replaced.

    Raises QueueInUse while anybody has the queue open, NotRestorable when the source is damaged, no queue, or of a
    newer version.
    """
    return sqlite_restore(sqlite_path(url), source, progress=progress)


def demo_beside(url: str) -> str | None:
    """Give the URL of the queue that `make demo` keeps below the folder of this one; None where there is none."""
    path = sqlite_path(url)
    demo = path.parent / "demo" / path.name
    return f"sqlite:///{demo}" if demo.exists() else None


def sqlite_path(url: str) -> Path:
    """Give the file that an SQLite URL names. Raises ValueError."""
    parts = urlsplit(url)
    path = parts.path[1:]
    # SQLite would keep `:memory:` in memory, and lose what was accepted.
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or path in ("", ":memory:"):
        message = f"DATABASE_URL must look like sqlite:////data/queue.db, got {without_secrets(url)!r}."
        raise ValueError(message)
    return Path(path)
