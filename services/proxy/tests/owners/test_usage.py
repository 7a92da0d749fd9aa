"""GET /api/v1/usage, and what the queue says of whoever asks and, to an admin, of all."""

from datetime import UTC, datetime

import pytest
from promptqueue import connect

HERE = "/api/v1/usage"


def today():
    return f"{datetime.now(UTC):%Y-%m-%d}"


def test_it_tells_by_day_how_ones_prompts_ended_and_what_they_took(anna, ben, worker):
    anna.submit()
    worker.answer()
    anna.post(f"/api/v1/prompt/{anna.submit()}/cancel")
    ben.submit()

    [day] = anna.get(HERE).json["days"]

    assert (day["day"], day["owner"]) == (today(), "anna")
    assert [day[name] for name in ("succeeded", "failed", "cancelled", "expired", "tokens")] == [1, 0, 1, 0, 3]
    assert 0 <= day["seconds"] < 60
    assert ben.get(HERE).json == {"days": []}


def test_it_outlives_the_prompts(anna, worker):
    prompt_id = anna.submit()
    worker.answer()
    before = anna.get(HERE).json

    anna.ask("DELETE", f"/api/v1/prompt/{prompt_id}")

    assert anna.get(HERE).json == before
    assert before["days"][0]["succeeded"] == 1


def test_an_admin_sees_everybodys_or_one_owners(anna, ben, admin):
    for each in (anna, ben):
        each.post(f"/api/v1/prompt/{each.submit()}/cancel")

    assert sorted(day["owner"] for day in admin.get(HERE).json["days"]) == ["anna", "ben"]
    assert [day["owner"] for day in admin.get(f"{HERE}?owner=ben").json["days"]] == ["ben"]


@pytest.mark.parametrize("days", ["0", "367", "x", "1.5"])
def test_so_many_days_there_are_not(anna, error_of, days):
    assert error_of(anna.get(f"{HERE}?days={days}")) == (400, "invalid_request", "days")


def test_so_many_days_as_were_asked_for_are_told(anna, worker):
    anna.submit()
    worker.answer()

    assert [len(anna.get(f"{HERE}?days={days}").json["days"]) for days in (1, 366)] == [1, 1]


# ---- the queue ------------------------------------------------------------------------------------------------------


def test_the_queue_tells_whoever_has_a_key_what_is_its_own_and_what_it_may_have(anna, ben, queue, worker):
    queue.limit_owner("anna", {"waiting": 7, "running": 2})
    anna.submit(), anna.submit(), ben.submit()
    worker.claim()

    you = anna.get("/api/v1/queue").json["you"]

    assert you.pop("stored_bytes") > 0
    assert you == {
        "owner": "anna",
        "role": "user",
        "waiting": 1,
        "running": 1,
        "streams": 0,
        "tokens_today": 0,
        "limits": {
            "waiting": 7,
            "running": 2,
            "stored_bytes": 268_435_456,
            "streams": 100,
            "requests_a_second": 20,
            "tokens_a_day": None,
        },
    }


@pytest.mark.parametrize(("slots", "most"), [(1, None), (4, 3)])
def test_one_slot_is_left_to_others_where_nobody_said_otherwise(anna, url, slots, most):
    presence = connect(url).register(slots=slots)

    assert anna.get("/api/v1/queue").json["you"]["limits"]["running"] == most
    presence.leave()


def test_nobody_else_is_told_of_owners(client, give_key):
    without = client.get("/api/v1/queue").json
    metrics, user = give_key("eyes", "metrics").get("/api/v1/queue").json, give_key("anna").get("/api/v1/queue").json

    assert [(each["you"], each["owners"]) for each in (without, metrics)] == [(None, None)] * 2
    assert (user["you"]["owner"], user["owners"]) == ("anna", None)


def test_an_admin_is_told_who_waits_and_has_what(admin, anna, ben, worker):
    anna.submit(), anna.submit(priority="batch"), ben.submit()
    worker.claim()

    owners = {each.pop("owner"): each for each in admin.get("/api/v1/queue").json["owners"]}

    assert {name: (each["waiting"], each["running"]) for name, each in owners.items()} == {
        "anna": (1, 1),
        "ben": (1, 0),
    }
    assert all(each["stored_bytes"] > 0 for each in owners.values())
    assert all(each["oldest_wait_seconds"] >= 0 for each in owners.values())
