"""Addresses that OpenAI's and Anthropic's protocols share: each request is answered in the shape of its own."""

from __future__ import annotations

import pytest

ANTHROPIC = {"anthropic-version": "2023-06-01"}


def is_openai(answer):
    return list(answer.json) == ["error"] and answer.headers["x-request-id"].startswith("req_")


def is_anthropic(answer):
    return answer.json["type"] == "error" and answer.headers["request-id"] == answer.json["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "is_its_own"),
    [
        ("GET", "/v1/nope", {}, 404, is_openai),
        ("GET", "/v1/nope", ANTHROPIC, 404, is_anthropic),
        ("GET", "/v1/models/nope", {}, 404, is_openai),
        ("GET", "/v1/models/nope", ANTHROPIC, 404, is_anthropic),
        ("POST", "/v1/models", {}, 405, is_openai),
        ("POST", "/v1/models", ANTHROPIC, 405, is_anthropic),
        ("GET", "/v1/messages", {}, 405, is_anthropic),
        ("GET", "/v1/messages/batches", {}, 404, is_anthropic),
        ("GET", "/v1/chat/completions", {}, 405, is_openai),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/ollama", "/v1"])
def test_what_there_is_not_is_said_in_the_words_of_who_asks(
    make_app, base_path, method, path, headers, status, is_its_own
):
    client = make_app(base_path=base_path).test_client()

    answer = client.open(f"{base_path}{path}", method=method, headers=headers)

    assert answer.status_code == status
    assert is_its_own(answer)


def test_a_wrong_method_is_told_those_that_are_right_in_either_protocol(client):
    assert client.get("/v1/messages").headers["Allow"] == "OPTIONS, POST"
    assert client.delete("/v1/models", headers=ANTHROPIC).headers["Allow"] == "GET, HEAD, OPTIONS"


def test_models_are_listed_for_who_asks(client):
    assert list(client.get("/v1/models").json) == ["object", "data"]
    assert "has_more" in client.get("/v1/models", headers=ANTHROPIC).json
