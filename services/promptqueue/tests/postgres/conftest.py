"""A queue in a database of a real server, and what can be seen of it from outside."""

from contextlib import ExitStack

import psycopg
import pytest
from promptqueue.postgres.server.address import address_of
from promptqueue.postgres.server.session import Sessions
from promptqueue.storage import connect
from support.postgres import postgres_server

from services.promptqueue.tests.postgres.backend import DATABASE, PostgresBackend, server


@pytest.fixture
def storage(clock):
    with PostgresBackend().fresh(clock) as storage:
        yield storage


@pytest.fixture
def url(storage):
    """The database that `storage` is in."""
    return server().url(DATABASE)


@pytest.fixture
def open_storage(url, clock):
    """Have the same queue once more, as another process has it."""
    with ExitStack() as opened:

        def open_one():
            another = connect(url, clock=clock)
            opened.callback(another.close)
            return another

        yield open_one


@pytest.fixture
def sessions(url):
    sessions = Sessions(address_of(url))
    yield sessions
    sessions.close()


@pytest.fixture
def ask_server(url):
    """Ask the server something, by a connection of the test's own."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values).fetchall()


@pytest.fixture
def own_server():
    """A server of this test's own, to be stopped and killed, with a database for a queue."""
    with postgres_server(durable=False) as running:
        running.make_database("own")
        yield running


@pytest.fixture
def in_order(queue):
    """Hold the ledgers beside what is there."""
    return lambda: PostgresBackend().check(queue)
