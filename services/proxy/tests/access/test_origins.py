"""While nobody needs a key: pages of other origins are one owner, all else another, and an id is the only secret."""

from __future__ import annotations

import pytest
from promptqueue.owners.owner import EVERYBODY, PAGES

OWN = [
    (None, "localhost:8000"),
    ("http://localhost:8000", "localhost:8000"),
    ("http://LOCALHOST:8000", "localhost:8000"),
    ("http://192.168.1.7:8080", "192.168.1.7:8080"),
    ("http://nas", "nas"),
    ("http://nas:80", "nas"),
    ("https://ai.example.com", "ai.example.com"),
    ("https://ai.example.com", "ai.example.com:443"),
    ("http://[::1]:8000", "[::1]:8000"),
]
OTHER = [
    ("null", "localhost:8000"),
    ("http://localhost:8080", "localhost:8000"),
    ("http://evil.test", "localhost:8000"),
    ("http://evil.test:8000", "localhost:8000"),
    ("http://localhost:8000.evil.test", "localhost:8000"),
    ("file://", "localhost:8000"),
    ("chrome-extension://abcdef", "localhost:8000"),
    ("localhost:8000", "localhost:8000"),
    ("", "localhost:8000"),
    ("http://", ""),
]


def owner_of(client, queue, origin, host, **headers):
    sent = {"Host": host, **headers, **({} if origin is None else {"Origin": origin})}
    answer = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=sent)
    assert answer.status_code == 202, answer.text
    return queue.get(answer.json["id"]).owner


@pytest.fixture
def client(make_app):
    return make_app(allowed_hosts=("ai.example.com",)).test_client()


@pytest.mark.parametrize(("origin", "host"), OWN)
def test_who_comes_from_no_page_or_from_our_own_is_everybody(client, queue, origin, host):
    assert owner_of(client, queue, origin, host) == EVERYBODY


@pytest.mark.parametrize(("origin", "host"), OTHER)
def test_any_other_page_is_one_of_all_other_pages(client, queue, origin, host):
    assert owner_of(client, queue, origin, host) == PAGES


def test_what_a_server_in_front_may_have_said_changes_nothing(client, queue):
    headers = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.test"}

    assert owner_of(client, queue, "http://evil.test", "localhost:8000", **headers) == PAGES
    assert owner_of(client, queue, "http://localhost:8000", "localhost:8000", **headers) == EVERYBODY


@pytest.mark.parametrize("face", ["/api/generate", "/v1/completions", "/v1/responses"])
def test_a_page_that_speaks_another_protocol_is_one_of_all_pages_too(client, queue, face):
    body = {"model": "llama3.2", "prompt": "Why?", "stream": False}
    if face == "/v1/responses":
        body = {"model": "llama3.2", "input": "Why?"}
    headers = {"Origin": "http://evil.test", "Prefer": "respond-async"}

    answer = client.post(face, json=body, headers=headers)

    assert answer.status_code == 202, answer.text
    assert queue.get(answer.headers["X-Prompt-Id"]).owner == PAGES


def test_whoever_has_the_id_sees_the_prompt_whichever_page_it_is_of(client):
    mine = client.post("/api/v1/prompt", json={"prompt": "Why?"}).json["id"]
    pages = {"Origin": "http://other.test"}
    theirs = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=pages).json["id"]

    assert client.get(f"/api/v1/prompt/{mine}", headers=pages).status_code == 200
    assert client.get(f"/api/v1/prompt/{theirs}").status_code == 200


def test_a_key_is_not_looked_at_while_there_is_none(client):
    for authorization in ("Bearer none", "Bearer opx_00000000_wrong", "Basic YTpi", "nonsense"):
        headers = {"Authorization": authorization, "x-api-key": "another"}
        assert client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=headers).status_code == 202


def test_no_answer_lets_a_page_send_what_the_browser_keeps_of_it(client, app):
    for rule in app.url_map.iter_rules():
        path = rule.build(dict.fromkeys(rule.arguments, "x"), append_unknown=False)[1]
        asked = {
            "Origin": "http://evil.test",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, x-api-key",
        }
        answer = client.options(path, headers=asked)

        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*"), path
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_a_preflight_needs_no_key(app, key):
    key("anna")

    assert app.test_client().options("/v1/messages").status_code == 200
    assert app.test_client().options("/api/v1/prompt").status_code == 200
