"""Idempotency-Key: a submission may be repeated, and is accepted once."""

import time

import pytest

KEY = {"Idempotency-Key": "0123456789abcdef"}


def test_a_submission_that_is_repeated_is_accepted_once(client, queue, worker):
    body = {"prompt": "Why?", "options": {"seed": 1, "temperature": 0.5}, "metadata": {"a": 1}}

    first = client.post("/api/v1/prompt", json=body, headers=KEY)
    again = client.post("/api/v1/prompt", json=body, headers=KEY)
    worker.claim()
    later = client.post("/api/v1/prompt", json=body, headers=KEY)

    assert first.status_code == again.status_code == later.status_code == 202
    assert again.json == first.json
    assert later.json == {**first.json, "status": "processing", "position": None}
    assert later.headers["Location"] == first.headers["Location"]
    assert queue.counts().processing + queue.counts().queued == 1


@pytest.mark.parametrize(
    "same",
    [
        b'{"options": {"temperature": 1, "seed": 5}, "prompt": "Why?"}',
        b' {"prompt":"Why?","options":{"seed":5.0,"temperature":1.0}}\n',
        rb'{"prompt": "\u0057hy?", "options": {"seed": 5, "temperature": 10e-1}}',
        b'{"prompt": "Not this", "prompt": "Why?", "options": {"seed": 5, "temperature": 1}}',
        b'{"prompt": "Why?", "system": null, "options": {"seed": 5, "temperature": 1, "top_k": null}}',
    ],
)
def test_bodies_are_the_same_when_their_json_is(client, same):
    first = client.post(
        "/api/v1/prompt", json={"prompt": "Why?", "options": {"seed": 5, "temperature": 1}}, headers=KEY
    )

    again = client.post("/api/v1/prompt", data=same, headers=KEY)

    assert (again.status_code, again.json["id"]) == (202, first.json["id"])


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Why??"},
        {"prompt": "Why?", "priority": "batch"},
        {"prompt": "Why?", "stream": True},
        {"prompt": "Why?", "metadata": {"a": None}},
    ],
)
def test_a_key_with_another_body_is_a_conflict(client, queue, other):
    client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=KEY)

    answer = client.post("/api/v1/prompt", json=other, headers=KEY)

    assert answer.status_code == 409
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == ("idempotency_conflict", "Idempotency-Key")
    assert queue.counts().queued == 1


def test_a_key_whose_prompt_was_deleted_is_gone(client):
    body = {"prompt": "Why?"}
    prompt_id = client.post("/api/v1/prompt", json=body, headers=KEY).json["id"]
    client.delete(f"/api/v1/prompt/{prompt_id}")

    answers = [client.post("/api/v1/prompt", json=each, headers=KEY) for each in (body, {"prompt": "Another?"})]

    assert [(answer.status_code, answer.json["error"]["code"]) for answer in answers] == [(410, "deleted")] * 2


def test_a_repeated_submission_is_answered_even_when_the_queue_is_full(make_app):
    client = make_app(max_queue_depth=1).test_client()
    first = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=KEY)

    again = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=KEY)

    assert (again.status_code, again.json["id"]) == (202, first.json["id"])


def test_a_repeated_submission_that_expired_meanwhile_says_so(client):
    body = {"prompt": "Why?", "expires_in": 0.001}
    client.post("/api/v1/prompt", json=body, headers=KEY)
    deadline = time.monotonic() + 10

    while (again := client.post("/api/v1/prompt", json=body, headers=KEY)).json["status"] != "completed":
        assert time.monotonic() < deadline

    assert again.json["position"] is None
