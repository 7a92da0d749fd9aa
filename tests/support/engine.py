"""The engine of the queue behind tests that need not know which: SQLite, or with QUEUE_ENGINE=postgres PostgreSQL."""

import atexit
import hashlib
import os
from contextlib import ExitStack
from functools import cache


@cache
def _server():
    from support.postgres import postgres_server  # noqa: PLC0415 (it needs PostgreSQL's programs)

    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(postgres_server(durable=False))


@cache
def _database(folder):
    name = f"q{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    _server().make_database(name)
    return _server().url(name)


def queue_url(folder):
    """The URL of the queue that belongs to this folder; the same one each time."""
    if os.environ.get("QUEUE_ENGINE") == "postgres":
        return _database(folder)
    return f"sqlite:///{folder}/data/queue.db"
