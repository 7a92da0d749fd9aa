"""Somebody who knows the simplest endpoints alone: submit, poll until completed, ask for the result."""

import time

import pytest


class SimpleClient:
    """Knows three endpoints, three statuses and nothing else."""

    def __init__(self, server):
        self._server = server

    def submit(self, text):
        return self._server.post("/api/v1/prompt", {"prompt": text}).json["id"]

    def status(self, prompt_id):
        return self._server.get(f"/api/v1/prompt/{prompt_id}/status").json["status"]

    def result(self, prompt_id):
        deadline = time.monotonic() + 10
        while self.status(prompt_id) != "completed":
            assert time.monotonic() < deadline
        return self._server.get(f"/api/v1/prompt/{prompt_id}/result")


@pytest.fixture
def hand(server, hire_at):
    """Somebody who answers what the server accepted."""
    return hire_at(server.database_url)


def test_a_simple_client_gets_its_answer(server, hand, record):
    client = SimpleClient(server)

    prompt_id = client.submit("Why is the sky blue?")
    before = client.status(prompt_id)
    claim = hand.claim()
    during = client.status(prompt_id)
    hand.finish(claim)
    result = client.result(prompt_id)

    assert (before, during) == ("queued", "processing")
    assert result.status == 200
    assert result.json == {**record, "id": prompt_id, "status": "completed", "outcome": "succeeded"}


def test_a_simple_client_learns_that_there_is_no_answer(server, hand):
    client = SimpleClient(server)

    prompt_id = client.submit("Why is the sky blue?")
    hand.fail(cause="The model said no.", partial="It is")
    result = client.result(prompt_id)

    assert result.status == 410
    assert result.json["outcome"] == "failed"
    assert result.json["error"] == {"code": "model_refused", "message": "The model said no.", "retryable": False}
    assert result.json["partial"] == "It is"


def test_the_page_is_at_the_root(server):
    page = server.get("/")
    head = server.call("HEAD", "/")

    assert page.status == head.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<!doctype html>" in page.body.lower()
    assert head.body == b""
