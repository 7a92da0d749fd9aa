"""PgBouncer between us and the server: fine as long as it lends a connection for a session."""

from contextlib import closing, contextmanager

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Changed
from promptqueue.storage import connect
from support.pgbouncer import pgbouncer


@contextmanager
def through(server, pool_mode):
    """Connect to a server by a PgBouncer in this mode."""
    with pgbouncer(server, pool_mode=pool_mode) as url, closing(connect(url("own"))) as storage:
        yield storage


def test_one_that_lends_connections_for_transactions_is_refused(own_server):
    with through(own_server, "transaction") as storage, pytest.raises(StorageUnavailable, match="pool_mode"):
        storage.open()


def test_through_one_that_lends_them_for_sessions_we_hear_and_are_seen(own_server):
    with (
        through(own_server, "session") as storage,
        closing(storage.open()) as queue,
        storage.listen() as listener,
        listener.subscribe() as heard,
        storage.register(slots=2) as worker,
    ):
        alive = [queue._database.run("SELECT is_alive(%(id)s) AS alive", id=worker.id)]
        queue._database.changed("somebody")
        notes = heard.wait(20)
        worker.leave()
        alive += [queue._database.run("SELECT is_alive(%(id)s) AS alive", id=worker.id)]

    assert alive == [[{"alive": True}], [{"alive": False}]]
    assert notes == [Changed("somebody")]
