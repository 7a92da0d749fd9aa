"""Tickets: one prompt's events for who cannot send a key, for as long as the key holds and the prompt is new."""

import time
from datetime import datetime

import pytest
from proxy.access.tickets import AFTER_THE_END, LIFETIME, Tickets

PROMPT = "6f1c0e8e-58ba-4c1c-8f6c-7f2f6c1a6d11"


@pytest.fixture
def ticket_of():
    """Get a ticket for a prompt; the answer's body."""

    def ticket_of(holder, prompt_id):
        answer = holder.post(f"/api/v1/prompt/{prompt_id}/ticket")
        assert answer.status_code == 200, answer.text
        return answer.json

    return ticket_of


def events(client, address):
    """Ask without a key; the answer's status, and whether it ended with the prompt's end."""
    answer = client.get(address)
    return answer.status_code, "event: completed" in answer.text


def test_whoever_has_it_follows_that_prompt_to_its_end_without_a_key(client, anna, worker, ticket_of):
    prompt_id = anna.submit()
    worker.answer()

    body = ticket_of(anna, prompt_id)

    assert body["links"] == {"events": f"/api/v1/prompt/{prompt_id}/events?ticket={body['ticket']}"}
    assert events(client, body["links"]["events"]) == (200, True)
    assert events(client, f"/api/v1/prompt/{prompt_id.upper()}/events?ticket={body['ticket']}") == (200, True)


def test_it_opens_nothing_else(client, anna, worker, ticket_of):
    prompt_id, other = anna.submit(), anna.submit()
    worker.answer()
    worker.answer()
    ticket = ticket_of(anna, prompt_id)["ticket"]

    for path in (
        f"/api/v1/prompt/{other}/events",
        f"/api/v1/events?id={prompt_id}",
        f"/api/v1/prompt/{prompt_id}/status",
        f"/api/v1/prompt/{prompt_id}/result",
        f"/api/v1/prompt/{prompt_id}",
        "/api/v1/prompts",
        "/api/v1/queue",
    ):
        address = f"{path}{'&' if '?' in path else '?'}ticket={ticket}"
        assert client.get(address).status_code == 401, path


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: "A" + text[1:], lambda _: "", lambda _: "x.y.z"]
)
def test_what_is_no_ticket_opens_nothing(client, anna, worker, ticket_of, spoil):
    prompt_id = anna.submit()
    worker.answer()
    ticket = ticket_of(anna, prompt_id)["ticket"]

    assert client.get(f"/api/v1/prompt/{prompt_id}/events?ticket={spoil(ticket)}").status_code == 401


def test_a_wrong_key_beside_it_is_a_wrong_key(client, anna, worker, ticket_of):
    prompt_id = anna.submit()
    worker.answer()
    address = ticket_of(anna, prompt_id)["links"]["events"]

    assert client.get(address, headers={"Authorization": "Bearer opx_wrong"}).status_code == 401


def test_it_holds_no_longer_than_the_key_that_it_was_asked_for_with(client, anna, worker, queue, ticket_of, until):
    prompt_id = anna.submit()
    worker.answer()
    address = ticket_of(anna, prompt_id)["links"]["events"]

    queue.revoke_key(anna.key)

    until(lambda: client.get(address).status_code == 401)


def test_it_is_over_a_minute_after_the_prompts_end(client, anna, worker, ticket_of, monkeypatch):
    prompt_id = anna.submit()
    address = ticket_of(anna, prompt_id)["links"]["events"]
    worker.answer()
    assert events(client, address) == (200, True)

    now = time.time
    monkeypatch.setattr("proxy.api.events.time.time", lambda: now() + AFTER_THE_END + 1)

    assert client.get(address).status_code == 401


def test_it_says_when_it_is_over_at_the_latest(anna, worker, ticket_of):
    prompt_id = anna.submit()
    waiting = datetime.fromisoformat(ticket_of(anna, prompt_id)["expires_at"]).timestamp() - time.time()
    worker.answer()
    ended = datetime.fromisoformat(ticket_of(anna, prompt_id)["expires_at"]).timestamp() - time.time()

    assert waiting == pytest.approx(LIFETIME, abs=5)
    assert ended == pytest.approx(AFTER_THE_END, abs=5)


def test_it_says_no_later_end_than_that_of_the_key_that_it_was_asked_for_with(give_key, ticket_of):
    visitor = give_key("vera", expires_at=time.time() + 600)

    told = datetime.fromisoformat(ticket_of(visitor, visitor.submit())["expires_at"]).timestamp() - time.time()

    assert told == pytest.approx(600, abs=5)


def test_nobody_gets_one_for_a_prompt_of_somebody_else(anna, ben, error_of):
    asked = [ben.post(f"/api/v1/prompt/{each}/ticket") for each in (anna.submit(), PROMPT)]

    assert [error_of(answer) for answer in asked] == [(404, "not_found", None)] * 2


def test_where_nobody_needs_a_key_there_are_tickets_that_end_with_that(client, submit, worker, give_key, until):
    prompt_id = submit()
    worker.answer()
    address = client.post(f"/api/v1/prompt/{prompt_id}/ticket").json["links"]["events"]
    assert events(client, address) == (200, True)

    give_key()

    until(lambda: client.get(address).status_code == 401)


def test_no_ticket_is_read_a_day_later_or_with_another_secret(monkeypatch):
    tickets = Tickets(lambda: b"a secret")
    text, _ = tickets.write(PROMPT, "a1b2c3d4")
    assert tickets.read(text).key == Tickets(lambda: b"a secret").read(text).key == "a1b2c3d4"

    assert Tickets(lambda: b"another").read(text) is None
    now = time.time
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now() + LIFETIME + 2)
    assert tickets.read(text) is None
