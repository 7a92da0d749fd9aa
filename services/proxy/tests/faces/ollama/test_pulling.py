"""/api/pull: a client sees the worker's download, whatever it pulls by itself."""

import http.client
import json

import pytest
from promptqueue.condition import Model, ModelState
from proxy.calls import model
from proxy.faces.ollama import pulling
from proxy.serving.connection import Connection

MANIFEST, SUCCESS = {"status": "pulling manifest"}, {"status": "success"}
UNKNOWN = {"error": "pull model manifest: file does not exist"}


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(pulling, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(model, "FRESH_FOR", 0.0)


def lines(answer):
    """The records of a stream as they come, each a chunk."""
    for chunk in answer.response:
        assert chunk.endswith(b"\n")
        assert chunk.count(b"\n") == 1
        yield json.loads(chunk)


def until_it_says(records, wanted):
    """Read on to a record like this; all that came before it."""
    before = []
    for record in records:
        if record == wanted:
            return before
        before.append(record)
    raise AssertionError(before)


def test_a_model_that_is_ready_is_pulled_at_once(client, describe):
    describe()

    streamed = client.post("/api/pull", json={"model": "LLAMA3.2"})
    whole = client.post("/api/pull", json={"name": "llama3.2:latest", "stream": False})

    assert streamed.headers["Content-Type"] == "application/x-ndjson"
    assert list(lines(streamed)) == [MANIFEST, SUCCESS]
    assert (whole.status_code, whole.json) == (200, SUCCESS)
    assert whole.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_download_is_followed_to_its_end(client, describe):
    describe(ModelState.MISSING)
    records = lines(client.post("/api/pull", json={"model": "llama3.2"}))
    assert next(records) == MANIFEST

    describe(ModelState.DOWNLOADING, percent=0)
    part = next(record for record in records if record != MANIFEST)
    assert list(part) == ["status", "digest", "total"]  # Ollama leaves `completed` out while it is 0
    assert part["status"] == f"pulling {part['digest'].removeprefix('sha256:')[:12]}"
    describe(ModelState.DOWNLOADING, percent=40)
    assert set(map(str, until_it_says(records, part | {"completed": 40}))) <= {str(part)}
    describe(ModelState.UNREACHABLE)
    until_it_says(records, MANIFEST)
    describe()
    until_it_says(records, SUCCESS)
    assert list(records) == []


def test_a_client_that_wants_no_stream_is_held_until_the_model_is_there(asking, describe, app, until):
    describe(ModelState.DOWNLOADING, percent=40)
    call = asking("/api/pull", model="llama3.2", stream=False)
    until(lambda: app.extensions["proxy"].places.taken == 1)

    describe()

    assert (call.answer.status_code, call.json) == (200, SUCCESS)
    assert app.extensions["proxy"].places.taken == 0


def test_one_that_is_held_for_long_gets_blanks_before_its_document(make_app, describe):
    client = make_app(whole_patience=0.1, patience=0.1).test_client()
    describe(ModelState.DOWNLOADING, percent=40)

    answer = client.post("/api/pull", json={"model": "llama3.2", "stream": False})
    pieces = iter(answer.response)
    assert [next(pieces), next(pieces)] == [b" ", b" "]
    describe()

    assert json.loads(b"".join(pieces)) == SUCCESS


def test_a_success_that_comes_when_the_time_is_over_is_none_the_less_one(app, anybody, describe):
    describe()
    parts = app.extensions["proxy"]
    download = pulling.Download(parts, model.Served(parts), Connection({}), anybody)

    assert [download.wait(0), download.wait(0)] == [None, SUCCESS]


@pytest.mark.parametrize("name", ["nope", "llama3.2:1b"])
def test_another_model_is_not_in_the_registry(client, describe, name):
    describe()

    streamed = client.post("/api/pull", json={"model": name})
    whole = client.post("/api/pull", json={"model": name, "stream": False})

    assert (streamed.status_code, list(lines(streamed))) == (200, [MANIFEST, UNKNOWN])
    assert (whole.status_code, whole.json, whole.headers["x-should-retry"]) == (500, UNKNOWN, "false")


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"model": "a b"}])
def test_a_name_that_is_none_is_refused(client, body):
    answer = client.post("/api/pull", json=body)

    assert (answer.status_code, answer.json) == (400, {"error": "invalid model name"})


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_nobody_will_download_is_said_to_be_missing(client, describe, monkeypatch, stream):
    monkeypatch.setattr(pulling, "HOPE", 0.05)
    describe(ModelState.MISSING, detail="it is not installed, and OLLAMA_PULL is never")

    answer = client.post("/api/pull", json={"model": "llama3.2", "stream": stream})

    *_, last = lines(answer) if stream else [answer.json]
    assert last == {"error": "llama3.2 is missing: it is not installed, and OLLAMA_PULL is never"}
    assert (answer.status_code, answer.headers.get("x-should-retry")) == ((200, None) if stream else (500, "false"))


def test_one_whose_download_is_tried_again_later_is_waited_for(client, describe, monkeypatch):
    monkeypatch.setattr(pulling, "HOPE", 0.0)
    describe(ModelState.MISSING, detail="the registry is away", retry_at=2e9)
    records = lines(client.post("/api/pull", json={"model": "llama3.2"}))

    assert [next(records) for _ in range(5)] == [MANIFEST] * 5


def test_a_proxy_that_stops_says_so(app, client, describe):
    describe(ModelState.DOWNLOADING, percent=40)
    records = lines(client.post("/api/pull", json={"model": "llama3.2"}))
    assert next(records) == MANIFEST

    app.extensions["proxy"].stop()

    assert list(records)[-1] == {"error": "The proxy is being stopped or started anew. Pull again."}


def test_one_that_stops_says_so_by_its_status_to_whoever_wants_no_stream(app, asking, describe, until):
    describe(ModelState.DOWNLOADING, percent=40)
    call = asking("/api/pull", model="llama3.2", stream=False)
    until(lambda: app.extensions["proxy"].places.taken == 1)

    app.extensions["proxy"].stop()

    assert (call.answer.status_code, call.answer.headers["Retry-After"]) == (503, "5")
    assert call.json == {"error": "The proxy is being stopped or started anew. Pull again."}


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_a_document_that_has_begun_is_cut_and_never_ended_without_its_success(serve, hire_at, kind):
    server = serve(kind, PATIENCE=0.1, WHOLE_PATIENCE=0.1)
    worker = hire_at(server.database_url)
    worker.describe(Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=40))
    body = json.dumps({"model": "llama3.2", "stream": False})

    with server.answered("POST", "/api/pull", body) as answer:
        assert answer.read(1) == b" "
        server.process.terminate()

        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


def test_a_bug_costs_no_place(app, client, monkeypatch):
    monkeypatch.setattr(pulling.Download, "wait", lambda *_: 1 / 0)

    assert client.post("/api/pull", json={"model": "llama3.2", "stream": False}).status_code == 500
    assert app.extensions["proxy"].places.taken == 0


def test_no_more_are_held_than_there_are_places(make_app, describe):
    client = make_app(max_streams=1).test_client()
    describe(ModelState.DOWNLOADING, percent=40)
    first = client.post("/api/pull", json={"model": "llama3.2"})
    next(iter(first.response))

    refused = client.post("/api/pull", json={"model": "llama3.2"})

    assert (refused.status_code, list(refused.json)) == (503, ["error"])
    first.close()
    describe()
    assert client.post("/api/pull", json={"model": "llama3.2", "stream": False}).json == SUCCESS
