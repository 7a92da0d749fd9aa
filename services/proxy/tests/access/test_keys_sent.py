"""Where a key stands in a request: in Authorization, and for Anthropic's clients in a header of their own."""

from __future__ import annotations

import pytest
from promptqueue.owners.key import Role, new_key

QUEUE = "/api/v1/queue"
OF_ANTHROPIC = "/v1/models"


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def secret(key):
    return key("anna")["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(client, secret, scheme):
    assert client.get(QUEUE, headers={"Authorization": f"{scheme} {secret}"}).status_code == 200


def test_a_key_counts_in_one_header_alone(client, secret):
    for headers in ({"x-api-key": secret}, {"Cookie": f"key={secret}"}, {"Proxy-Authorization": f"Bearer {secret}"}):
        assert client.get(QUEUE, headers=headers).status_code == 401
    assert client.get(f"{QUEUE}?key={secret}&api_key={secret}&access_token={secret}").status_code == 401


def test_anthropics_clients_send_it_in_a_header_of_their_own(client, secret):
    headers = {"x-api-key": secret, "anthropic-version": "2023-06-01"}

    assert client.get(OF_ANTHROPIC, headers=headers).status_code == 200
    assert client.post("/v1/messages/count_tokens", headers=headers, json={}).status_code == 400
    assert client.post("/v1/chat/completions", headers=headers, json={}).status_code == 401


def test_two_keys_are_none_unless_they_are_the_same(client, secret, key):
    other = key("anna")["Authorization"]

    assert client.get(OF_ANTHROPIC, headers={"x-api-key": secret, "Authorization": other}).status_code == 401
    assert (
        client.get(OF_ANTHROPIC, headers={"x-api-key": secret, "Authorization": f"Bearer {secret}"}).status_code == 200
    )


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_a_header_that_comes_twice_is_none(serve, queue_at, kind):
    server, made = serve(kind), new_key()
    queue_at(server.database_url).add_key(made, owner="anna", role=Role.USER)
    line = f"Authorization: Bearer {made.secret}\r\n"

    def asked(lines):
        return server.raw(
            f"GET {QUEUE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n".encode()
        ).status

    assert (asked(line), asked(line * 2)) == (200, 401)


def test_a_refusal_speaks_openais_protocol(client, secret):
    answer = client.post("/v1/chat/completions", json={}, headers={"Authorization": f"Bearer {secret}x"})

    assert answer.status_code == 401
    assert answer.json["error"].items() >= {"code": "invalid_api_key", "type": "invalid_request_error"}.items()
    assert secret not in answer.text


def test_a_refusal_speaks_anthropics_protocol(client, secret):
    answer = client.post("/v1/messages", json={}, headers={"x-api-key": secret + "x"})

    assert (answer.status_code, answer.json["error"]["type"]) == (401, "authentication_error")
    assert secret not in answer.text


def test_a_refusal_speaks_ollamas_protocol(client, secret):
    answer = client.post("/api/chat", json={}, headers={"Authorization": f"Bearer {secret}x"})

    assert (answer.status_code, list(answer.json)) == (401, ["error"])
    assert "Authorization: Bearer" in answer.json["error"]


def test_a_refusal_speaks_our_own_protocol_and_says_what_to_send(client, secret):
    answer = client.get(QUEUE)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    error = answer.json["error"]
    assert (error["code"], error["param"]) == ("unauthorized", None)
    assert error["message"].startswith("This needs an API key, as Authorization: Bearer …")


def test_a_key_of_another_role_is_told_so_in_each_protocol(client, key):
    metrics = key("mia", Role.METRICS)

    assert client.post("/api/v1/prompt", json={}, headers=metrics).json["error"]["code"] == "forbidden"
    assert client.post("/api/chat", json={}, headers=metrics).status_code == 403
    assert client.post("/v1/chat/completions", json={}, headers=metrics).json["error"]["code"] == "forbidden"
    assert client.post("/v1/messages", json={}, headers=metrics).json["error"]["type"] == "permission_error"


def test_a_key_is_checked_before_anything_of_the_body_is_read(serve, queue_at, until):
    server = serve("gevent")
    queue_at(server.database_url).add_key(new_key(), owner="anna", role=Role.USER)
    until(lambda: server.get(QUEUE).status == 401)

    head = b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"

    assert server.raw(head).status == 401


def test_strangers_hear_of_health_and_readiness_no_more_than_whether(app, key, worker):
    client, metrics = app.test_client(), key("mia", Role.METRICS)

    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json.keys()) == (503, {"ready", "error"})
    assert "model" not in ready.text
    assert "checks" in client.get("/readyz", headers=metrics).json
    assert "database" in client.get("/healthz", headers=metrics).json
    wrong = client.get("/healthz", headers={"Authorization": "Bearer opx_wrong"})
    assert (wrong.status_code, wrong.json) == (200, {"status": "ok"})


def test_while_nobody_needs_a_key_health_and_readiness_tell_everybody_why(client):
    assert "database" in client.get("/healthz").json
    assert client.get("/readyz").json["checks"]["worker"]["ok"] is False
