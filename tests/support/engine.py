"""The engine of the queue behind tests that need not know which: SQLite, or with QUEUE_ENGINE=postgres PostgreSQL."""

import atexit
import os
from contextlib import ExitStack
from functools import cache
from itertools import cycle

TOGETHER = 8  # databases that tests of one process may need at one time


@cache
def _server():
    from support.postgres import postgres_server  # noqa: PLC0415 (it needs PostgreSQL's programs)

    running = ExitStack()
    atexit.register(running.close)
    server = running.enter_context(postgres_server(durable=False))
    for number in range(TOGETHER):
        server.make_database(f"queue{number}")
    return server


@cache
def _names():
    return cycle([f"queue{number}" for number in range(TOGETHER)])


@cache
def _database(_folder):
    """Give the database that was used longest ago, with nothing in it: to make one takes longer than most tests."""
    import psycopg  # noqa: PLC0415

    url = _server().url(next(_names()))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


def queue_url(folder):
    """The URL of the queue that belongs to this folder; the same one each time."""
    if os.environ.get("QUEUE_ENGINE") == "postgres":
        return _database(folder)
    return f"sqlite:///{folder}/data/queue.db"
