"""POST /api/v1/queue/pause and resume: an admin's alone, and recorded."""

import pytest


@pytest.mark.parametrize(("what", "is_paused", "act"), [("pause", True, "paused"), ("resume", False, "resumed")])
def test_an_admin_pauses_the_queue_and_lets_it_go_on_and_it_is_recorded(admin, queue, what, is_paused, act):
    queue.pause(not is_paused)

    answer = admin.post(f"/api/v1/queue/{what}")

    assert (answer.status_code, answer.json) == (200, {"paused": is_paused})
    assert queue.counts().paused is is_paused
    assert admin.get("/api/v1/queue").json["paused"] is is_paused
    assert [(deed.who, deed.what) for deed in queue.deeds(limit=10)] == [(admin.key, act)]


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_nobody_else_does_and_nothing_is_recorded(client, give_key, queue, error_of, what):
    address = f"/api/v1/queue/{what}"
    statuses = [error_of(client.post(address))]
    statuses += [error_of(give_key("x", role).post(address)) for role in ("user", "metrics")]
    statuses += [error_of(client.post(address))]

    assert [status for status, _, _ in statuses] == [401, 403, 403, 401]
    assert (queue.counts().paused, queue.deeds(limit=10)) == (False, [])
