"""By which names the server may be called; under any other it does nothing, whatever is asked."""

from __future__ import annotations

import pytest
from promptqueue.settings import Misconfigured, read
from proxy.access.hosts import is_ours
from proxy.config import Config

NONE = Config().allowed_hosts
OURS = [
    "",
    "127.0.0.1:8000",
    "192.168.1.7",
    "[::1]:8000",
    "[2001:db8::7]",
    "localhost",
    "LOCALHOST:8000",
    "localhost.",
    "app.localhost:8080",
    "nas",
    "ollama_proxy:8000",
]
FOREIGN = [
    "evil.test",
    "evil.test:8000",
    "evil.test.",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "evillocalhost.test",
    "1.2.3",
    "[evil.test]",
    "[::1",
    "localhost@evil.test",
    "localhost,evil.test",
    "localhost:80:80",
    "localhost/",
    "a b",
    ":8000",
]


@pytest.mark.parametrize("host", OURS)
def test_an_address_localhost_and_a_name_without_a_dot_are_ours(host):
    assert is_ours(host, NONE)


@pytest.mark.parametrize("host", FOREIGN)
def test_no_other_name_is_ours(host):
    assert not is_ours(host, NONE)


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("ai.example.com", "ai.example.com"),
        ("ai.example.com", "AI.example.com.:8443"),
        ("nas.local, ai.example.com.,", "ai.example.com"),
        ("*", "anything.at.all"),
    ],
)
def test_a_name_that_was_allowed_is_ours(value, host):
    assert is_ours(host, read(Config, {"ALLOWED_HOSTS": value}).allowed_hosts)


@pytest.mark.parametrize("host", ["www.ai.example.com", "example.com", "evil.test"])
def test_a_name_that_was_allowed_allows_no_other(host):
    assert not is_ours(host, read(Config, {"ALLOWED_HOSTS": "ai.example.com"}).allowed_hosts)


@pytest.mark.parametrize("value", ["http://ai.example.com", "ai.example.com:443", "*.example.com", "a b", ".example"])
def test_a_value_that_names_no_hosts_is_refused_in_words(value):
    with pytest.raises(Misconfigured, match=r"^ALLOWED_HOSTS must be host names separated"):
        read(Config, {"ALLOWED_HOSTS": value})


def test_nothing_is_served_under_a_foreign_name(app, queue):
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if not rule.websocket]
    assert len(rules) > 40
    for rule in rules:
        path = rule.build(dict.fromkeys(rule.arguments, "x"), append_unknown=False)[1]
        for method in sorted(rule.methods):
            answer = client.open(path, method=method, headers={"Host": "evil.test"}, json={"prompt": "Why?"})

            assert answer.status_code == 421, (method, path)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cache-Control"] == "no-store"
    assert queue.counts().queued == 0


WORDS = "This server is not known by the name that the header Host gives it."


@pytest.mark.parametrize("path", ["/", "/api/v1/queue", "/api/v1/nothing", "/nothing"])
def test_a_foreign_name_is_refused_in_our_own_shape(client, path):
    answer = client.get(path, headers={"Host": "evil.test"})

    assert answer.status_code == 421
    error = answer.json["error"]
    assert (error["code"], error["type"], error["param"]) == ("misdirected_request", "invalid_request_error", "Host")
    assert error["message"].startswith(WORDS)
    assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/api/chat", "/api/tags", "/api/nothing"])
def test_a_foreign_name_is_refused_in_ollamas_shape(client, path):
    answer = client.post(path, headers={"Host": "evil.test"}, json={})

    assert (answer.status_code, list(answer.json)) == (421, ["error"])
    assert answer.json["error"].startswith(WORDS)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/responses/x", "/v1/nothing"])
def test_a_foreign_name_is_refused_in_openais_shape(client, path):
    answer = client.post(path, headers={"Host": "evil.test"}, json={})

    assert answer.status_code == 421
    assert answer.json["error"].items() >= {"code": "misdirected_request", "type": "invalid_request_error"}.items()
    assert answer.json["error"]["message"].startswith(WORDS)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models", "/v1/messages/nothing"])
def test_a_foreign_name_is_refused_in_anthropics_shape(client, path):
    answer = client.post(path, headers={"Host": "evil.test", "anthropic-version": "2023-06-01"}, json={})

    assert (answer.status_code, answer.json["type"]) == (421, "error")
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.json["error"]["message"].startswith(WORDS)


def test_both_servers_refuse_a_foreign_name_and_serve_a_client_that_sends_none(server):
    assert server.raw(b"GET /api/v1/queue HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n").status == 421
    assert server.raw(b"GET /healthz HTTP/1.0\r\n\r\n").status == 200
