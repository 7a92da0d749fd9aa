"""What keeps the queue of a product on plain processes: a file, or a PostgreSQL of the campaign's own."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from typing import TYPE_CHECKING, Protocol

import psycopg
from promptqueue import connect
from promptqueue.postgres.storage import PostgresStorage
from support.cable import Cable
from support.postgres import postgres_server

from chaos import database, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from promptqueue import PromptQueue
    from support.postgres import PostgresServer

    from chaos.database import Contents

CAMPAIGN = "campaign"
OTHERS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ollama-proxy'"


class Kept(Protocol):
    """A queue, and what is there to see of it."""

    @property
    def where(self) -> str:
        """Its path, or its URL."""

    def url(self, container: str) -> str:
        """The DATABASE_URL of this container's processes."""

    def opened(self) -> AbstractContextManager[PromptQueue]:
        """Open it. Raises StorageUnavailable."""

    def contents(self) -> Contents:
        """All that is stored."""

    def start(self) -> None:
        """Be there."""

    def end(self) -> None:
        """Be there no more; nobody uses it."""


class InAFile:
    """SQLite's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opening = threading.Lock()  # whoever copies a file lets go of what this process has locked in it

    @property
    def where(self) -> str:
        return str(self._path)

    def url(self, container: str) -> str:
        return f"sqlite:///{self._path}"

    @contextlib.contextmanager
    def opened(self) -> Iterator[PromptQueue]:
        """Open it. Raises StorageUnavailable, among others while a process that stands still is writing."""
        with self._opening, contextlib.closing(connect(self.url("")).open()) as queue:
            yield queue

    def contents(self) -> Contents:
        return database.contents(self._path)

    def copy(self, folder: Path) -> None:
        """Copy its files; nobody writes."""
        with self._opening:
            for file in self._path.parent.glob(f"{self._path.name}*"):
                shutil.copy(file, folder)

    def start(self) -> None: ...

    def end(self) -> None: ...


class OnAServer:
    """PostgreSQL's. It is struck as Ollama is; from each container leads a cable to it, which can be struck too."""

    def __init__(self, containers: Sequence[str]) -> None:
        self._containers = containers
        self._ending = contextlib.ExitStack()
        self._server: PostgresServer
        self._cables: dict[str, Cable] = {}

    @property
    def where(self) -> str:
        return str(self._server.url(CAMPAIGN))

    @property
    def cables(self) -> Sequence[Cable]:
        return list(self._cables.values())

    @property
    def is_alive(self) -> bool:
        return bool(self._server.is_alive)

    def url(self, container: str) -> str:
        return self.where.replace(f":{self._server.port}/", f":{self._cables[container].port}/")

    @contextlib.contextmanager
    def opened(self) -> Iterator[PromptQueue]:
        storage = connect(self.where)
        assert isinstance(storage, PostgresStorage)
        with contextlib.closing(storage), contextlib.closing(storage.open()) as queue:
            yield queue

    def contents(self) -> Contents:
        return tables.contents(self.where)

    def start(self) -> None:
        """Start the server, or start it again."""
        if self._cables:
            self._server.begin()
            return
        # What it wrote outlives its kill in the kernel, though no disk has it.
        self._server = self._ending.enter_context(postgres_server(durable=False))
        self._server.make_database(CAMPAIGN)
        self._cables = {name: self._ending.enter_context(Cable(self._server.port)) for name in self._containers}

    def signal(self, number: int) -> None:
        if self._server.is_alive:
            self._server.signal(number)

    def kill(self) -> None:
        self._server.kill()

    def stop(self) -> None:
        self._server.stop()

    def end_sessions(self) -> int:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(self.where, connect_timeout=2) as connection,
        ):
            [(number,)] = connection.execute(OTHERS).fetchall()
            return int(number)
        return 0  # it is away itself

    def end(self) -> None:
        self.signal(signal.SIGCONT)
        self._ending.close()
