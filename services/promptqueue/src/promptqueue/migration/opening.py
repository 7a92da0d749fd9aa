"""Which sides a migration has, by their URLs, and that both are nobody else's meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from promptqueue.errors import NotMigratable, QueueInUse
from promptqueue.migration.sides import Side, Target
from promptqueue.migration.sqlite_side import SQLiteSide
from promptqueue.migration.sqlite_target import SQLiteTarget
from promptqueue.settings import without_secrets
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.host import usage
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import is_postgres


@contextmanager
def opened(source: str, target: str) -> Iterator[tuple[Side, Target]]:
    """Open both sides, beside which nobody can open either.

    Raises QueueInUse while anybody has, NotMigratable where the target is taken, and StorageUnavailable.
    """
    if source == target:
        message = "Source and target are the same queue."
        raise NotMigratable(message)
    with ExitStack() as stack:
        _lock_files(stack, source, target)
        with _named(source):
            there = stack.enter_context(closing(_source(source)))
        with _named(target):
            here = stack.enter_context(closing(_target(target)))
        yield there, here


@contextmanager
def opened_whole(*urls: str) -> Iterator[list[Side]]:
    """Open queues that are whole, beside which nobody can open them. Raises QueueInUse, and StorageUnavailable."""
    with ExitStack() as stack:
        _lock_files(stack, *urls)
        sides = []
        for url in urls:
            with _named(url):
                sides.append(stack.enter_context(closing(_source(url))))
        yield sides


def _source(url: str) -> Side:
    if not is_postgres(url):
        return SQLiteSide(path_of(url))
    # Only here, for whoever keeps the queue in a file need not have psycopg.
    from promptqueue.migration.postgres_side import PostgresSource  # noqa: PLC0415
    from promptqueue.postgres.server.address import address_of  # noqa: PLC0415

    return PostgresSource(address_of(url))


def _target(url: str) -> Target:
    if not is_postgres(url):
        return SQLiteTarget(path_of(url))
    from promptqueue.migration.postgres_target import PostgresTarget  # noqa: PLC0415
    from promptqueue.postgres.server.address import address_of  # noqa: PLC0415

    return PostgresTarget(address_of(url))


def _lock_files(stack: ExitStack, *urls: str) -> None:
    locked: set[Path] = set()
    for url in urls:
        with _named(url):
            if not is_postgres(url):
                _lock(stack, path_of(url).parent, locked)


def _lock(stack: ExitStack, folder: Path, locked: set[Path]) -> None:
    """Keep everybody from opening a file in this folder, once."""
    with storage_errors(folder, "The queue's folder"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.resolve() not in locked:
            stack.enter_context(usage.exclusive(folder))
            locked.add(folder.resolve())


@contextmanager
def _named(url: str) -> Iterator[None]:
    try:
        yield
    except QueueInUse as error:
        message = (
            f"The queue at {without_secrets(url)} is in use: end every proxy and worker first, and whatever else has "
            "its database open."
        )
        raise QueueInUse(message) from error
