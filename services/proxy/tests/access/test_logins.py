"""What is noted of logins: the hour of a key's use, and how many that do not hold came from which address."""

from __future__ import annotations

import pytest
from promptqueue.owners.deed import Act
from promptqueue.owners.owner import Owner
from proxy.access import logins
from proxy.access.asker import Asker
from proxy.app import parts

WRONG = {"Authorization": "Bearer opx_00000000_wrong"}


@pytest.fixture
def client(app, key):
    key("anna")
    return app.test_client()


@pytest.fixture
def refused(app, queue):
    """Have it told, and give what the audit has of it."""

    def refused():
        parts(app).gate.logins.tell()
        return {deed.who: deed.to for deed in queue.deeds(limit=10_000) if deed.what == Act.LOGINS_REFUSED}

    return refused


def test_logins_that_are_refused_are_counted_by_their_address(client, refused, caplog):
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "::ffff:10.0.0.2", "2001:db8::1", "2001:db8::2"):
        client.get("/api/v1/queue", headers=WRONG, environ_base={"REMOTE_ADDR": address})

    assert refused() == {
        "10.0.0.1": "2 within a minute",
        "10.0.0.2": "2 within a minute",
        "2001:db8::/64": "2 within a minute",
    }
    assert "logins refused address='10.0.0.1' count=2" in caplog.text
    assert "wrong" not in caplog.text
    assert refused().keys() == {"10.0.0.1", "10.0.0.2", "2001:db8::/64"}  # and nothing is told twice


def test_whoever_sends_no_key_or_a_good_one_is_not_counted(app, client, refused, key):
    client.get("/api/v1/queue")
    client.get("/api/v1/queue", headers=key("anna"))
    client.get("/healthz", headers=WRONG)

    assert refused() == {}


def test_who_is_behind_is_not_asked_of_a_header_that_anybody_may_write(client, refused):
    client.get("/api/v1/queue", headers={**WRONG, "X-Forwarded-For": "10.9.9.9"})

    assert refused().keys() == {"127.0.0.1"}


def test_from_however_many_addresses_they_come_few_are_told(app, client, refused):
    counts = parts(app).gate.logins
    for number in range(3 * logins.MOST_ADDRESSES):
        counts.refuse(f"10.0.{number // 256}.{number % 256}")

    assert len(counts._refused) == logins.MOST_ADDRESSES + 1
    told = refused()
    assert len(told) == logins.MOST_DEEDS + 1
    assert sum(int(count.split()[0]) for count in told.values()) == 3 * logins.MOST_ADDRESSES


def test_they_are_told_within_a_minute_though_nobody_asks_any_more(client, queue, until, monkeypatch):
    monkeypatch.setattr(logins, "TELL_EVERY", 0.1)

    client.get("/api/v1/queue", headers=WRONG)

    until(lambda: [deed.what for deed in queue.deeds(limit=10)] == [Act.LOGINS_REFUSED])


def test_a_key_is_known_to_have_been_used_in_this_hour(app, queue, key, until):
    client, anna = app.test_client(), key("anna")
    key("bob")

    client.get("/api/v1/queue", headers=anna)

    until(lambda: [each.used_at is not None for _, each in queue.keyring()] == [True, False])


def test_a_keys_use_is_written_once_an_hour(app, queue, key, monkeypatch):
    counts, written, moments = parts(app).gate.logins, [], iter([7_200, 10_799, 10_800])
    key("anna")
    [(_, made)] = queue.keyring()
    monkeypatch.setattr(counts._writer, "owe", written.append)
    monkeypatch.setattr(logins.time, "time", lambda: next(moments))

    for _ in range(3):
        counts.admit(Asker(made.owner, made))
    counts.admit(Asker(Owner(number=0, name="everybody")))

    assert len(written) == 2
