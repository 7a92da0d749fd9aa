"""Nobody offers the product to others by mistake: with no key it does not start there."""

from __future__ import annotations

import pytest
from promptqueue.owners.key import Role, new_key
from proxy.access.published import is_of_this_machine
from support.waiting import until

EVERYWHERE = "0.0.0.0"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_an_address_of_this_machine_is_known(address):
    assert is_of_this_machine(address)


@pytest.mark.parametrize("address", [EVERYWHERE, "::", "192.168.1.7", "10.0.0.1", "nobody.invalid"])
def test_any_other_address_is_one_that_others_may_reach(address):
    assert not is_of_this_machine(address)


@pytest.mark.parametrize("kind", ["gevent", "threads"])
@pytest.mark.parametrize("variable", ["BIND_ADDRESS", "PUBLISHED_ADDRESS"])
def test_it_does_not_start_where_others_reach_it_before_there_is_a_key(serve, kind, variable):
    server = serve(kind, starts=False, **{variable: EVERYWHERE})

    assert server.process.wait(20) == 2
    assert server.log.count("\n") == 1
    said = f"Nothing is started, because at {EVERYWHERE} others could use it and fill it without an API key: make a key"
    assert server.log.startswith(said)


def test_it_starts_where_others_reach_it_once_there_is_a_key_though_it_was_revoked(serve, queue_at):
    first = serve("gevent")
    first.stop()
    queue, made = queue_at(first.database_url), new_key()
    queue.add_key(made, owner="anna", role=Role.USER)
    queue.revoke_key(made.name)

    server = serve("gevent", DATABASE_URL=first.database_url, PUBLISHED_ADDRESS=EVERYWHERE)

    assert server.get("/api/v1/queue").status == 401


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_it_starts_where_others_reach_it_when_somebody_said_that_anybody_may(serve, kind):
    server = serve(kind, BIND_ADDRESS=EVERYWHERE, OPEN_TO_EVERYBODY="yes")

    assert server.get("/api/v1/queue").status == 200


def test_inside_a_container_the_address_outside_counts(serve):
    server = serve("gevent", BIND_ADDRESS=EVERYWHERE, PUBLISHED_ADDRESS="127.0.0.1")

    assert server.get("/api/v1/queue").status == 200


def test_where_nobody_can_say_whether_there_is_a_key_it_does_not_start_either(serve, tmp_path):
    (tmp_path / "file").write_text("no folder")
    server = serve("gevent", starts=False, BIND_ADDRESS=EVERYWHERE, DATABASE_URL=f"sqlite:///{tmp_path}/file/queue.db")

    until(lambda: server.process.poll() is not None)

    assert server.process.returncode == 2
    assert "whether they need an API key cannot be read" in server.log
