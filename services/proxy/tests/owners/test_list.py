"""GET /api/v1/prompts: one's own, the last accepted first, wherever they were handed in."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

HERE = "/api/v1/prompts"


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [prompt["id"] for prompt in answer.json["prompts"]]


def test_one_sees_ones_own_and_nobody_elses_the_last_first(anna, ben):
    first, other, last = anna.submit(), ben.submit(), anna.submit()

    assert ids(anna.get(HERE)) == [last, first]
    assert ids(ben.get(HERE)) == [other]


def test_a_prompt_of_the_list_stands_there_as_its_status_says_with_its_lane_and_owner(anna):
    prompt_id = anna.submit(metadata={"a": 1}, priority="batch")

    [listed] = anna.get(HERE).json["prompts"]

    assert listed == {
        **anna.get(f"/api/v1/prompt/{prompt_id}/status").json,
        "priority": "batch",
        "owner": "anna",
    }
    assert (listed["position"], listed["metadata"]) == (1, {"a": 1})


def test_a_page_says_where_the_next_begins_and_the_last_that_there_is_none(anna):
    prompts = [anna.submit() for _ in range(5)][::-1]
    seen, cursor, pages = [], "", 0

    while cursor is not None:
        page = anna.get(f"{HERE}?limit=2{cursor and f'&before={cursor}'}")
        seen += ids(page)
        cursor, pages = page.json["next"], pages + 1

    assert (seen, pages) == (prompts, 3)


def test_it_can_be_asked_for_what_stands_or_ended_somehow_for_a_key_of_the_metadata_and_for_a_time(anna, worker):
    done, waits, tagged = anna.submit(), anna.submit(), anna.submit(metadata={"run/7": None})
    worker.answer()
    an_hour = timedelta(hours=1)
    before, after = (quote((datetime.now(UTC) + each).isoformat()) for each in (-an_hour, an_hour))

    asked = {
        "status=completed": [done],
        "status=queued": [tagged, waits],
        "outcome=succeeded": [done],
        "outcome=failed": [],
        "metadata=run/7": [tagged],
        f"since={before}&until={after}&status=queued": [tagged, waits],
        f"since={after}": [],
        "until=2020-01-01T00:00:00Z": [],
    }

    assert {query: ids(anna.get(f"{HERE}?{query}")) for query in asked} == asked


def test_what_is_overdue_has_ended_though_nobody_has_looked(anna, until):
    prompt_id = anna.submit(expires_in=0.001)

    until(lambda: ids(anna.get(f"{HERE}?outcome=expired")) == [prompt_id])

    assert ids(anna.get(f"{HERE}?status=queued")) == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("status=done", "status"),
        ("outcome=", "outcome"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("before=-1", "before"),
        ("before=xyz", "before"),
        ("since=yesterday", "since"),
        ("since=2026-02-30T00:00:00Z", "since"),
        ("until=2026-01-31T00:00:00", "until"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_name(anna, error_of, query, param):
    assert error_of(anna.get(f"{HERE}?{query}")) == (400, "invalid_request", param)


@pytest.mark.parametrize(
    "since",
    [
        "2026-01-31T08:00:00.123456789Z",
        "0000-01-01t00:00:00z",
        "2026-01-31T08:00:00+01:00",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_time_is_what_rfc_3339_says(anna, since):
    assert anna.get(f"{HERE}?since={since}").status_code == 200


def test_an_admin_sees_where_everybodys_stand_and_none_of_their_words(anna, ben, admin):
    of_anna, of_ben = anna.submit(metadata={"secret": 1}), ben.submit()

    everybodys, annas = admin.get(HERE), admin.get(f"{HERE}?owner=anna")

    assert [(each["id"], each["owner"]) for each in everybodys.json["prompts"]] == [(of_ben, "ben"), (of_anna, "anna")]
    assert ids(annas) == [of_anna]
    assert "secret" not in everybodys.text + annas.text


def test_of_another_owner_nobody_else_is_told_not_even_whether_there_is_one(anna, ben, admin, error_of):
    ben.submit()

    assert ids(anna.get(f"{HERE}?owner=anna")) == []
    assert error_of(anna.get(f"{HERE}?owner=ben")) == error_of(anna.get(f"{HERE}?owner=nobody"))
    assert error_of(admin.get(f"{HERE}?owner=nobody")) == (404, "not_found", "owner")


def test_without_a_key_there_is_no_list_whether_or_not_there_are_keys(client, give_key, error_of):
    before = error_of(client.get(HERE)), error_of(client.get("/api/v1/usage"))
    give_key()

    assert before == (error_of(client.get(HERE)),) * 2 == ((401, "unauthorized", None),) * 2


def test_a_metrics_key_sees_no_prompts(give_key, error_of):
    assert error_of(give_key("eyes", "metrics").get(HERE)) == (403, "forbidden", None)
