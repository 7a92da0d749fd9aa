"""What storage in PostgreSQL says of its server: no more and no less than is so."""

import subprocess
from contextlib import closing, contextmanager

import psycopg
import pytest
from promptqueue.storage import connect
from support.pgbouncer import pgbouncer
from support.postgres import programs
from support.waiting import DEADLINE, until


def described(url):
    with closing(connect(url)) as storage:
        return storage.describe()


@pytest.fixture
def tell(own_server):
    """Have the server take a statement of its owner's."""

    def tell(*statements):
        with psycopg.connect(own_server.url("own"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    return tell


@contextmanager
def receiver(server, folder):
    """Somebody who gets all that the server writes, as a standby does."""
    command = [
        programs() / "pg_receivewal",
        "-D",
        folder,
        "-h",
        "127.0.0.1",
        "-p",
        str(server.port),
        "-U",
        "queue",
    ]
    process = subprocess.Popen([*command, "--synchronous", "--no-loop"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)


def test_it_says_its_version_and_how_it_commits_and_warns_of_a_server_that_does_not_flush(own_server):
    told = described(own_server.url("own"))

    assert told == {
        "kind": "postgresql",
        "version": told["version"],
        "connection": "direct",
        "synchronous_commit": "on",
        "synchronous_standbys": "none: what was accepted is on one machine's disk",
        "fsync": "off: a power cut can destroy the queue",
    }
    assert told["version"].split(".")[0].isdigit()


def test_a_pooler_between_is_seen(own_server):
    with pgbouncer(own_server, pool_mode="session") as url:
        assert described(url("own"))["connection"] == "through a pooler"


def test_a_server_that_does_not_wait_for_its_disk_by_default_does_so_for_the_queue(own_server, tell):
    tell("ALTER DATABASE own SET synchronous_commit = off")

    assert described(own_server.url("own"))["synchronous_commit"] == "on"


def test_what_the_operator_wants_of_standbys_stays(own_server, tell):
    tell("ALTER DATABASE own SET synchronous_commit = remote_apply")

    assert described(own_server.url("own"))["synchronous_commit"] == "remote_apply"


def test_standbys_that_are_waited_for_are_counted_and_none_is_called_what_it_is(own_server, tell, tmp_path):
    tell("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")

    def standbys():
        return described(own_server.url("own"))["synchronous_standbys"]

    until(lambda: standbys() == "0: commits wait until one is there")
    with receiver(own_server, tmp_path):
        until(lambda: standbys() == "1")


def test_whoever_may_not_see_standbys_is_not_told_that_there_are_none(own_server, tell, tmp_path):
    tell("CREATE ROLE plain LOGIN", "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    plain = own_server.url("own").replace("queue@", "plain@")

    with receiver(own_server, tmp_path):
        until(lambda: described(plain)["synchronous_standbys"] == "not known: grant pg_monitor to see them")
