"""Storage: what keeps the queue, one for each process, and how a DATABASE_URL names it."""

import _thread
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Protocol

from promptqueue.machine.clock import Clock
from promptqueue.machine.threads import NativeThreads
from promptqueue.notes import Listener
from promptqueue.queue import PromptQueue
from promptqueue.settings import Unserved
from promptqueue.sqlite.storage import SQLiteStorage, path_of


class Presence(AbstractContextManager["Presence"], Protocol):
    """A process's entry among the workers, or among those that hold clients' calls."""

    @property
    def id(self) -> str:
        """Its name in every claim, or in every prompt's origin."""

    def stay(self) -> None:
        """Enter again where the entry got lost. Raises StorageUnavailable when it cannot.

        Slots that got lost are taken again unless somebody else has them by now (`slots`).
        """

    def take_slot(self, server: str, *, below: int) -> int | None:
        """Take one of a model server's slots 0 to `below` - 1; None where others have them all, wherever they run.

        It is this process's until it gives it back, leaves or dies. `workers` counts it beside those that it registered
        with. Raises StorageUnavailable.
        """

    def give_slot_back(self, server: str, number: int) -> None:
        """Let somebody else have a slot that was taken. Raises StorageUnavailable."""

    def slots(self) -> set[tuple[str, int]]:
        """Say which slots it holds now: of each the server and the number."""

    def leave(self) -> None:
        """Take the entry back, as the end of a `with` does; what it still claims or holds is recovered by others."""


class Storage(Protocol):
    """What keeps the queue, for all threads of a process, after a fork. Everything may raise StorageUnavailable."""

    @property
    def reads_wait(self) -> bool:
        """Whether a read may have to wait for somebody's write; true until the first queue was opened."""

    def open(self) -> PromptQueue:
        """Open the queue for one thread, migrating it first.

        Only the first call makes a queue where there is none: a queue that is missing later was moved or deleted, and
        an empty one in its place would hide that.
        """

    def listen(self, *, texts: bool = True) -> Listener:
        """Listen to whatever happens to a prompt, in whichever process, and to live text, unless `texts` is False.

        Without `texts` nobody wakes for each token. Only subscriptions to the prompt, or to everything, hear that text
        was written. Nobody hears of renewals, pruning and the model.
        """

    def register(self, *, slots: int) -> Presence:
        """Enter this process among the workers. It counts as alive until it leaves or dies."""

    def attend(self) -> Presence:
        """Enter this process among those that hold clients' calls. It counts as alive until it leaves or dies."""

    def tidy(self, *, if_large: bool = False) -> None:
        """Empty what is kept beside the data, such as a journal, as far as nobody reads it; or only `if_large`.

        In PostgreSQL there is nothing to do: the server does so by itself.
        """

    def describe(self) -> Mapping[str, str]:
        """Return the storage's kind, version and more, in words for people. In SQLite it waits for nothing."""

    def close(self) -> None:
        """Let go of it. What was opened here is closed before, by whoever has it."""


def connect(
    url: str,
    *,
    journal_mode: str = "auto",
    lock_timeout: float = 5.0,
    threads: NativeThreads = _thread,
    clock: Clock | None = None,
) -> Storage:
    """Return the storage at `url`. Make one for each process; nothing is touched before it is used.

    `sqlite:////data/queue.db` is an absolute path, `sqlite:///data/queue.db` one below the working directory;
    `postgresql://user@host/database` a database of a server, `?password_file=` names a file with the password.
    `journal_mode` is auto, wal or persist, or keep: then only a queue that exists is opened, in the mode that it has.
    `lock_timeout` is how many seconds a write may wait for its turn in SQLite. Where greenlets take the place of
    threads, `threads` are the native ones. Tests hand in a clock. Raises ValueError for a URL that names no queue.
    """
    if not is_postgres(url):
        return SQLiteStorage(
            path_of(url), journal_mode=journal_mode, lock_timeout=lock_timeout, threads=threads, clock=clock
        )
    # Only here, for whoever keeps the queue in a file need not have psycopg.
    from promptqueue.postgres.server.address import address_of  # noqa: PLC0415
    from promptqueue.postgres.storage import PostgresStorage  # noqa: PLC0415

    return PostgresStorage(address_of(url), may_make=journal_mode != "keep", threads=threads, clock=clock)


def check(url: str) -> str:
    """Return a URL that names a queue. Raises ValueError for any other, with a sentence for people."""
    if not is_postgres(url):
        path_of(url)
        return url
    if find_spec("psycopg") is None:
        message = (
            "A queue in PostgreSQL needs psycopg: pip install 'promptqueue[postgres]', or build images with POSTGRES=1."
        )
        raise Unserved(message)
    from promptqueue.postgres.server.address import address_of  # noqa: PLC0415

    address_of(url)
    return url


def is_postgres(url: str) -> bool:
    """Whether a URL names a database of a PostgreSQL server."""
    return url.partition("://")[0] in ("postgresql", "postgres")
