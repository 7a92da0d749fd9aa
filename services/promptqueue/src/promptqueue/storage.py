"""Storage: what keeps the queue, one for each process, and how a DATABASE_URL names it."""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Protocol, Self

from promptqueue.sqlite.storage import SQLiteStorage, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promptqueue.notes import Listener
    from promptqueue.queue import PromptQueue
    from promptqueue.sqlite.host.clock import Clock
    from promptqueue.sqlite.host.turnstile import NativeThreads


def connect(
    url: str,
    *,
    journal_mode: str = "auto",
    lock_timeout: float = 5.0,
    threads: NativeThreads = _thread,
    clock: Clock | None = None,
) -> Storage:
    """Give the storage at `url`, one for each process; nothing on the disk is touched before it is used.

    `sqlite:////data/queue.db` is an absolute path, `sqlite:///data/queue.db` one below the working directory.
    `journal_mode` is auto, wal or persist; keep is the one that a queue has, and makes none. `lock_timeout` is how many
    seconds a write may wait for its turn. Where greenlets took the place of threads, `threads` are the native ones.
    Tests hand in a clock.

    Raises ValueError for a URL that names no queue.
    """
    return SQLiteStorage(
        path_of(url), journal_mode=journal_mode, lock_timeout=lock_timeout, threads=threads, clock=clock
    )


def check(url: str) -> str:
    """Give a URL back that names a queue. Raises ValueError for any other, in a sentence."""
    path_of(url)
    return url


class Storage(Protocol):
    """What all threads of a process share. Use it after a fork: nothing of it survives one.

    Everything may raise StorageUnavailable.
    """

    @property
    def reads_wait(self) -> bool:
        """Whether a read may have to wait for somebody's write; true until the first queue was opened."""
        ...

    def open(self) -> PromptQueue:
        """Open the queue for one thread, migrating it first.

        Only the first call makes a queue where there is none: later one that is not there was moved or deleted, and an
        empty one in its place would hide that.
        """
        ...

    def listen(self, *, texts: bool = True) -> Listener:
        """Hear whatever happens to a prompt, in whichever process, and live text unless `texts` are not wanted.

        Whoever does not want them is not woken for each token. Of written text only those hear who follow its prompt,
        or everything. What is only counted or described (renewals, pruning, the model) is not heard of.
        """
        ...

    def register(self, *, slots: int) -> Presence:
        """Enter this process among the workers. It counts as alive until it leaves or dies."""
        ...

    def tidy(self, *, if_large: bool = False) -> None:
        """Empty what is kept beside the data, such as a journal, as far as nobody reads it; or only `if_large`."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Say in words for people what keeps the queue: its kind, its version and more. It waits for nothing."""
        ...

    def close(self) -> None:
        """Let go of what is this process's own; each queue is closed by whoever opened it."""
        ...


class Presence(Protocol):
    """A worker's entry among those that are alive."""

    @property
    def id(self) -> str:
        """What names it in every claim."""
        ...

    def stay(self) -> None:
        """Enter again where somebody took the entry away. Raises StorageUnavailable when it cannot."""
        ...

    def leave(self) -> None:
        """Take the entry back; what the worker still claims is recovered by others."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
