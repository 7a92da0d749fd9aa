"""The engines that keep a queue, SQLite and PostgreSQL: a new queue of each, and what its server uses."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from support.processes import below

from bench.measurement import CannotRun
from bench.usage import processor_seconds, reaped_processor_seconds

if TYPE_CHECKING:
    from bench.workbench import Workbench

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Engine(Protocol):
    """One of the two."""

    name: str

    def new_queue(self) -> str:
        """Give the URL of a queue that nobody has used, which goes with the run."""

    def processor_seconds(self) -> float | None:
        """Give the processor time that the server has used; None where there is no server to be seen."""

    def log_bytes(self) -> float | None:
        """Give how many bytes of write-ahead log were written so far; None where nobody counts them."""

    def connections(self, url: str) -> float | None:
        """Count the connections to the queue at `url`; None where there is no server."""


class SQLiteEngine:
    """Files in a folder each."""

    name = SQLITE

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def new_queue(self) -> str:
        return f"sqlite:///{self._bench.new_folder()}/queue.db"

    def processor_seconds(self) -> float | None:
        return None

    def log_bytes(self) -> float | None:
        return None

    def connections(self, url: str) -> float | None:  # noqa: ARG002 (there are none to any)
        return None


class PostgreSQLEngine:
    """Databases on one server, from `with` to its end: one that is started here, or that of a URL."""

    name = POSTGRESQL

    def __init__(self, url: str) -> None:
        """Use the server at `url`, where the role may make databases; or one of our own, where it is empty."""
        self._url = url
        self._numbers = itertools.count(1)
        self._pid: int | None = None
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            self._connection = ending.enter_context(self._connected(ending))
            self._ending = ending.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.close()

    def new_queue(self) -> str:
        name = f"bench_{next(self._numbers)}"
        self._connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        self._ending.callback(self._connection.execute, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def processor_seconds(self) -> float | None:
        if self._pid is None:
            return None
        used = reaped_processor_seconds(self._pid)
        for process in below(self._pid):
            with suppress(OSError):  # it has ended since: what it used is counted when it is buried
                used += processor_seconds([process])
        return used

    def log_bytes(self) -> float | None:
        return float(self.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")[0][0])

    def connections(self, url: str) -> float | None:
        name = urlsplit(url).path[1:]
        return float(self.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")[0][0])

    def ask(self, statement: str, *, of: str = "") -> list[Any]:
        """Give the rows of a statement, of the queue at a URL or of the server."""
        if not of:
            return list(self._connection.execute(statement).fetchall())
        with _psycopg().connect(of, autocommit=True) as connection:
            return list(connection.execute(statement).fetchall())

    def version(self) -> str:
        """Tell the server's version."""
        return str(self.ask("SHOW server_version")[0][0])

    def _connected(self, ending: ExitStack) -> Any:
        psycopg = _psycopg()
        if not self._url:
            postgres: Any = import_module("support.postgres")
            if postgres.programs() is None:
                message = "PostgreSQL is not installed"
                raise CannotRun(message)
            server = ending.enter_context(postgres.postgres_server(durable=True))
            self._url, self._pid = server.url(), server.pid
        return psycopg.connect(self._url, autocommit=True)


def _psycopg() -> Any:
    try:
        import psycopg  # noqa: PLC0415 (only this engine needs it)
    except ImportError:
        message = "psycopg is not installed"
        raise CannotRun(message) from None
    return psycopg
