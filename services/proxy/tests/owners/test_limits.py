"""The limits of an owner, as whoever asks meets them: 429 quota_exceeded, by name, in the words of each protocol."""

import pytest
from proxy.app import parts

CHAT = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hi"}]}
PAGE = {"Origin": "http://elsewhere.test"}


def exceeded(answer):
    """What of, and when it may be otherwise."""
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["type"]) == (429, "quota_exceeded", "rate_limit_error"), (
        answer.text
    )
    return error["param"], int(answer.headers["Retry-After"])


def post(holder, text="Why?", **more):
    return holder.post("/api/v1/prompt", json={"prompt": text}, **more)


def test_so_many_may_wait_and_one_that_is_cancelled_makes_a_place(anna, ben, queue):
    queue.limit_owner("anna", {"waiting": 2})
    first, _ = anna.submit(), anna.submit()

    assert exceeded(post(anna)) == ("waiting", 30)
    ben.submit()
    anna.post(f"/api/v1/prompt/{first}/cancel")
    anna.submit()
    assert exceeded(anna.post(f"/api/v1/prompt/{first}/retry")) == ("waiting", 30)


def test_what_expired_takes_no_place(anna, queue, until):
    queue.limit_owner("anna", {"waiting": 1})
    anna.submit(expires_in=0.001)

    until(lambda: post(anna).status_code == 202)


def test_so_much_may_be_stored_and_what_is_deleted_makes_room(anna, queue):
    queue.limit_owner("anna", {"stored_bytes": 1_000})
    prompt_id = anna.submit("a" * 600)

    assert exceeded(post(anna, "a" * 600)) == ("stored_bytes", 60)
    anna.ask("DELETE", f"/api/v1/prompt/{prompt_id}")
    anna.submit("a" * 600)


def test_so_many_tokens_a_day_and_then_it_is_midnight_that_is_waited_for(anna, worker, queue):
    queue.limit_owner("anna", {"tokens_a_day": 3})
    anna.submit()
    worker.answer()

    param, retry_after = exceeded(post(anna))

    assert param == "tokens_a_day"
    assert 1 <= retry_after <= 24 * 3600


def test_so_many_requests_a_second_of_whatever_kind_and_before_a_body_is_read(anna, ben, queue):
    queue.limit_owner("anna", {"requests_a_second": 0.4})
    statuses = [anna.get("/api/v1/queue").status_code for _ in range(5)]

    param, retry_after = exceeded(anna.post("/api/v1/prompt", data=b"no JSON"))

    assert (statuses[:2], statuses[-1]) == ([200, 200], 429)  # what is saved in five seconds, and no more
    assert (param, 1 <= retry_after <= 3) == ("requests_a_second", True)
    assert ben.get("/api/v1/queue").status_code == 200


def test_a_refused_key_uses_nothing_up(anna, client, queue):
    queue.limit_owner("anna", {"requests_a_second": 1})

    for _ in range(20):
        assert client.get("/api/v1/queue", headers={"Authorization": f"Bearer {anna.secret}x"}).status_code == 401

    assert anna.get("/api/v1/queue").status_code == 200


def test_so_many_streams_and_held_requests_and_whoever_leaves_makes_room(anna, ben, queue, follow):
    queue.limit_owner("anna", {"streams": 1})
    prompt_id, other = anna.submit(), ben.submit()
    address = f"/api/v1/prompt/{prompt_id}"
    stream = anna.get(f"{address}/events")

    assert exceeded(anna.get(f"{address}/events")) == ("streams", 5)
    assert exceeded(anna.get(f"{address}/status?wait=1")) == ("streams", 5)
    assert anna.get("/api/v1/queue").json["you"]["streams"] == 1
    assert anna.get(f"{address}/status").status_code == 200
    assert ben.get(f"/api/v1/prompt/{other}/status?wait=0.01").status_code == 200
    stream.close()
    assert anna.get(f"{address}/status?wait=0.01").status_code == 200


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/api/chat", lambda body: body["error"]),
        ("/v1/chat/completions", lambda body: (body["error"]["code"], body["error"]["type"], body["error"]["param"])),
        ("/v1/messages", lambda body: (body["type"], body["error"]["type"])),
    ],
)
def test_each_protocol_says_it_in_its_own_shape(anna, queue, path, read):
    queue.limit_owner("anna", {"waiting": 0})

    answer = anna.post(path, json={**CHAT, "max_tokens": 5} if path == "/v1/messages" else CHAT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert read(answer.json) in (
        "Of your prompts 0 wait, and 0 may: wait until one of them has been started, or cancel one.",
        ("quota_exceeded", "rate_limit_error", "waiting"),
        ("error", "rate_limit_error"),
    )


def test_a_held_call_that_is_one_too_many_is_refused_before_it_is_a_prompt(anna, queue):
    queue.limit_owner("anna", {"streams": 0})

    answer = anna.post("/v1/chat/completions", json=CHAT)

    assert exceeded(answer) == ("streams", 5)
    assert queue.counts().queued == 0


# ---- without keys ---------------------------------------------------------------------------------------------------


def test_pages_of_other_origins_have_a_quarter_of_the_line_together_and_everybody_else_all_of_it(make_app):
    client = make_app(max_queue_depth=8).test_client()

    def statuses(number, **headers):
        return [client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=headers) for _ in range(number)]

    pages = [*statuses(2, **PAGE), *statuses(2, Origin="null")]
    others = [*statuses(3), *statuses(3, Origin="http://localhost"), *statuses(1)]

    assert [each.status_code for each in pages] == [202, 202, 429, 429]
    assert {exceeded(each)[0] for each in pages[2:]} == {"waiting"}
    assert [each.status_code for each in others] == [202] * 6 + [429]
    assert others[-1].json["error"]["code"] == "queue_full"


def test_pages_of_other_origins_have_a_quarter_of_the_streams(make_app):
    app = make_app(max_streams=8)
    client = app.test_client()
    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?"}).json["id"]
    address = f"/api/v1/prompt/{prompt_id}/events"

    streams = [client.get(address, headers=PAGE) for _ in range(2)]
    refused = client.get(address, headers=PAGE)

    assert exceeded(refused)[0] == "streams"
    streams.append(client.get(address))
    assert (streams[-1].status_code, parts(app).places.taken) == (200, 3)
    for each in streams:
        each.close()
