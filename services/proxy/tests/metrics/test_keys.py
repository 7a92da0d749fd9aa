"""/metrics at everybody's door: for keys of the roles metrics and admin, and for nobody without one."""

import pytest
from promptqueue.owners.key import Role, new_key


@pytest.fixture
def ask(client, queue):
    """Ask for metrics with a new key of a role."""

    def ask(role):
        key = new_key()
        queue.add_key(key, owner="anna", role=role)
        return client.get("/metrics", headers={"Authorization": f"Bearer {key.secret}"})

    return ask


def test_without_a_key_they_are_only_at_the_door_for_prometheus(client, at_the_door):
    refused = client.get("/metrics")

    assert (refused.status_code, refused.json["error"]["code"]) == (401, "unauthorized")
    assert at_the_door().status_code == 200


@pytest.mark.parametrize(("role", "status"), [(Role.METRICS, 200), (Role.ADMIN, 200), (Role.USER, 403)])
def test_they_are_for_keys_of_metrics_and_of_admins(ask, role, status):
    assert ask(role).status_code == status


def test_once_there_are_keys_the_door_for_prometheus_still_asks_for_none(ask, at_the_door, read):
    told = read(ask(Role.METRICS).text)

    assert set(read(at_the_door().text).families) == set(told.families)


def test_where_they_are_off_whoever_may_read_them_hears_how_to_have_them(make_app, queue):
    key = new_key()
    queue.add_key(key, owner="anna", role=Role.METRICS)

    answer = make_app().test_client().get("/metrics", headers={"Authorization": f"Bearer {key.secret}"})

    assert answer.status_code == 404
    assert "Set METRICS_PORT" in answer.json["error"]["message"]
