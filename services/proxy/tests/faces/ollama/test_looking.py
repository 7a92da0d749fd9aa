"""The endpoints that tell of the model, those that are refused, and the addresses that are none."""

import pytest
from promptqueue.condition import ModelState
from promptqueue.errors import StorageUnavailable

NOT_YOURS = {"error": "models are managed by whoever runs this server"}
NO_EMBEDDINGS = {"error": "This server does not support embeddings. Start it with `--embeddings`"}


def test_before_any_worker_there_is_a_server_without_a_model(client):
    assert client.get("/api/version").json == {"version": "0.0.0"}
    assert client.get("/api/tags").json == client.get("/api/ps").json == {"models": []}
    assert client.post("/api/show", json={"model": "llama3.2"}).status_code == 404


def test_what_a_worker_read_is_told_as_it_was_read(client, describe, facts):
    describe(processor="gpu")

    assert client.get("/api/version").json == {"version": "0.33.0"}
    assert client.get("/api/tags").json == {"models": [facts["tag"]]}
    [loaded] = client.get("/api/ps").json["models"]
    assert (loaded["name"], loaded["size_vram"], loaded["context_length"]) == ("llama3.2:latest", 1000, 4096)
    for body in (
        {"model": "llama3.2"},
        {"name": "LLAMA3.2:latest"},
        {"model": "", "name": "llama3.2", "options": None},
    ):
        assert client.post("/api/show", json=body).json == facts["show"]


def test_a_model_that_is_being_downloaded_is_not_there_yet(client, describe):
    describe(ModelState.DOWNLOADING, percent=40)

    assert client.get("/api/tags").json == client.get("/api/ps").json == {"models": []}
    answer = client.post("/api/show", json={"model": "llama3.2"})
    assert (answer.status_code, answer.json) == (404, {"error": "model 'llama3.2:latest' not found"})


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "model is required"),
        ({"model": "", "name": ""}, 400, "model is required"),
        ({"model": "a b"}, 400, "invalid model name"),
        ({"model": "nope"}, 404, "model 'nope:latest' not found"),
        ({"model": "llama3.2:3b"}, 404, "model 'llama3.2:3b' not found"),
        ({"model": "you/x"}, 404, "model 'you/x:latest' not found"),
    ],
)
def test_no_other_model_is_shown(client, describe, body, status, words):
    describe()

    answer = client.post("/api/show", json=body)

    assert (answer.status_code, answer.json) == (status, {"error": words})


def test_there_is_no_cloud(client):
    assert client.get("/api/status").json == {"cloud": {"disabled": True, "source": "env"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/create"), ("POST", "/api/copy"), ("POST", "/api/push"), ("DELETE", "/api/delete"),
        ("POST", "/api/blobs/sha256:00"), ("POST", "/api/me"), ("POST", "/api/signout"), ("POST", "/api/web_search"),
        ("POST", "/api/web_fetch"), ("GET", "/api/experimental/model-recommendations"),
        ("POST", "/api/experimental/x/y"),
    ],
)  # fmt: skip
def test_models_and_accounts_are_not_a_clients_to_change(client, method, path):
    answer = client.open(path, method=method, json={"model": "llama3.2"})

    assert (answer.status_code, answer.json) == (403, NOT_YOURS)


def test_no_blob_is_there(client):
    assert client.head("/api/blobs/sha256:00").status_code == 404


def test_embeddings_are_refused_as_by_a_server_that_only_generates(client):
    new = client.post("/api/embed", json={"model": "LLAMA3.2", "input": ["hi", "ho"]})
    old = client.post("/api/embeddings", json={"model": "llama3.2", "prompt": "hi"})

    assert (new.status_code, new.json, new.headers["x-should-retry"]) == (501, NO_EMBEDDINGS, "false")
    assert (old.status_code, old.json, old.headers["x-should-retry"]) == (500, NO_EMBEDDINGS, "false")


@pytest.mark.parametrize("asked", [{}, {"input": ""}, {"input": []}, {"input": None}])
def test_embeddings_of_nothing_are_none(client, asked):
    answer = client.post("/api/embed", json={"model": "Llama3.2", **asked})

    assert (answer.status_code, answer.json) == (200, {"model": "Llama3.2", "embeddings": []})


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": "hi"}, 404, "model '' not found"),
        ({"model": "nope", "input": "hi"}, 404, 'model "nope" not found, try pulling it first'),
        ({"model": "llama3.2", "input": 5}, 400, "invalid input type"),
    ],
)
def test_embeddings_are_checked_as_ollama_does(client, body, status, words):
    answer = client.post("/api/embed", json=body)

    assert (answer.status_code, answer.json) == (status, {"error": words})


@pytest.mark.parametrize("path", ["/api/nope", "/api/", "/api/tags/", "/api/v2/queue", "/api/v10"])
def test_an_address_that_is_none_is_said_as_ollamas_router_does(client, path):
    for method in ("GET", "POST", "DELETE"):
        answer = client.open(path, method=method)

        assert (answer.status_code, answer.text) == (404, "404 page not found")
        assert answer.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/generate", "POST"), ("HEAD", "/api/chat", "POST"), ("DELETE", "/api/generate", "POST"),
        ("POST", "/api/tags", "GET, HEAD"), ("PUT", "/api/version", "GET, HEAD"),
        ("GET", "/api/pull", "POST"), ("POST", "/api/delete", "DELETE"), ("POST", "/api/ps", "GET, HEAD"),
    ],
)  # fmt: skip
def test_a_method_that_an_address_does_not_take_is_said_so_too(client, method, path, allowed):
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.text == ("" if method == "HEAD" else "405 method not allowed")
    assert answer.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/", 404),
        ("PUT", "/api/v1/prompt", 405),
    ],
)
def test_the_own_api_keeps_its_own_errors(client, method, path, status):
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert set(answer.json["error"]) == {"code", "message", "type", "param"}


def test_whoever_looks_whether_a_server_is_there_finds_one(client):
    for path in ("/", "/api/version", "/api/tags"):
        answer = client.head(path)

        assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps", "/api/version"])
def test_a_storage_that_does_not_answer_is_said_in_ollamas_shape(app, client, monkeypatch, path):
    def unavailable():
        raise StorageUnavailable("the disk is gone")

    monkeypatch.setattr(app.extensions["proxy"].whole_queue, "overview", unavailable)

    answer = client.get(path)

    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["x-should-retry"]) == (503, "5", "true")
    assert list(answer.json) == ["error"]
    assert "the disk is gone" not in answer.json["error"]


def test_a_bug_is_said_in_ollamas_shape_and_told_by_the_log(app, client, monkeypatch, caplog):
    monkeypatch.setattr(app.extensions["proxy"].whole_queue, "overview", lambda: 1 / 0)

    answer = client.get("/api/tags")

    assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert list(answer.json) == ["error"]
    assert "ZeroDivisionError" in caplog.text
