"""The whole way of a request below /v1, with somebody who answers by hand."""

from __future__ import annotations

import re
import threading

import pytest
from openai_recordings import events_of
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import ErrorCode, Status

HI = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]}
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
NAME = re.compile(r"req_[0-9a-f]{32}")
RECORD = {
    "model": "llama3.2",
    "message": {"role": "assistant", "content": "one two"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 36,
    "eval_count": 3,
}
FACTS = {
    "version": "0.33.0",
    "tag": {"name": "llama3.2:latest", "modified_at": "2025-05-04T17:37:44.706015396-07:00"},
    "show": {},
    "context_length": 8192,
}


@pytest.fixture
def post(app):
    """Send a request on a thread; gives a function that waits for its answer."""
    threads = []

    def post(path, headers=None, **body):
        answers = []

        def ask():
            answer = app.test_client().post(path, json=body, headers=headers)
            answer.get_data()
            answers.append(answer)

        threads.append(threading.Thread(target=ask))
        threads[-1].start()

        def answer(thread=threads[-1]):
            thread.join(30)
            return answers[0]

        return answer

    yield post
    for thread in threads:
        thread.join(30)


@pytest.fixture
def queued(queue, until):
    """Wait for a prompt to be in line."""
    return lambda: until(lambda: queue.newest(status=Status.QUEUED).prompts)[0]


def describe(worker, queue, state=ModelState.READY):
    model = Model(name="llama3.2", state=state)
    queue.describe_model(model, worker=worker.terms.worker, server="http://ollama:11434", facts=FACTS)


def test_a_chat_is_answered_under_the_prompt_s_name(post, queued, queue, worker):
    answer = post(CHAT, **HI, max_tokens=5, tools=[{"type": "web_search"}], metadata={"a": "b"})
    prompt = queued()
    worker.answer(RECORD)

    answer = answer()

    assert answer.status_code == 200
    hex_ = prompt.id.replace("-", "")
    assert answer.json == {
        "id": f"chatcmpl-{hex_}",
        "object": "chat.completion",
        "created": int(prompt.created_at),
        "model": "llama3.2",
        "system_fingerprint": "fp_ollama",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "one two"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 36, "completion_tokens": 3, "total_tokens": 39},
    }
    assert answer.headers["X-Prompt-Id"] == prompt.id
    assert answer.headers["x-request-id"] == f"req_{hex_}"
    assert answer.headers["X-Ignored"] == "tools"
    assert queue.request(prompt.id) == {
        "messages": HI["messages"],
        "options": {"temperature": 1.0, "top_p": 1.0, "num_predict": 5},
    }
    assert prompt.metadata == {"a": "b"}


def test_a_chat_is_streamed(post, queued, worker):
    answer = post(CHAT, **HI, stream=True, stream_options={"include_usage": True})
    queued()
    claim = worker.claim()
    worker.speak(claim, "one", " two")
    worker.finish(claim, RECORD)

    answer = answer()

    assert (answer.status_code, answer.content_type) == (200, "text/event-stream")
    events = events_of(answer.data)
    assert events[-1] == "[DONE]"
    deltas = [choice["delta"] for event in events[:-1] for choice in event["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "one two"
    assert events[-2]["usage"]["total_tokens"] == 39
    assert answer.headers["x-request-id"] == f"req_{answer.headers['X-Prompt-Id'].replace('-', '')}"


def test_a_completion_is_answered(post, queued, queue, worker):
    answer = post(COMPLETIONS, model="llama3.2", prompt="hi")
    prompt = queued()
    worker.answer()

    answer = answer()

    assert answer.json["id"] == f"cmpl-{prompt.id.replace('-', '')}"
    assert answer.json["choices"] == [{"text": "Rayleigh.", "index": 0, "finish_reason": "stop"}]
    assert queue.request(prompt.id)["prompt"] == "hi"


@pytest.mark.parametrize("model", ["llama3.2", "llama3.2:latest", "LLAMA3.2"])
def test_the_model_is_repeated_as_it_was_written(post, queued, worker, model):
    answer = post(CHAT, **{**HI, "model": model})
    queued()
    worker.answer(RECORD)

    assert answer().json["model"] == model


def test_without_a_limit_an_answer_may_fill_the_context(post, queued, queue, worker):
    describe(worker, queue)
    answer = post(CHAT, **HI)
    prompt = queued()
    worker.answer(RECORD)

    answer()
    assert queue.request(prompt.id)["options"]["num_predict"] == 8192


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_completion_is_answered_at_once_and_never_queued(client, queue, stream):
    answer = client.post(COMPLETIONS, json={"model": "llama3.2", "prompt": "", "stream": stream})

    assert answer.status_code == 200
    [first, *rest] = events_of(answer.data) if stream else [answer.json]
    assert first["choices"] == [{"text": "", "index": 0, "finish_reason": "load"}]
    assert rest == (["[DONE]"] if stream else [])
    assert not queue.newest().prompts


def test_flex_waits_behind_the_others(post, queued, worker):
    answer = post(CHAT, **HI, service_tier="flex")
    prompt = queued()
    worker.answer(RECORD)

    assert prompt.priority == "batch"
    assert answer().json["service_tier"] == "flex"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (ErrorCode.MODEL_REFUSED, 400, {"type": "invalid_request_error", "code": "model_refused"}),
        (ErrorCode.PROMPT_TOO_LONG, 400, {"type": "invalid_request_error", "code": "context_length_exceeded"}),
        (ErrorCode.ATTEMPTS_EXHAUSTED, 500, {"type": "server_error", "code": "attempts_exhausted"}),
        (ErrorCode.TIMED_OUT, 500, {"type": "server_error", "code": "timed_out"}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_fails_before_its_text_has_its_true_status(post, queued, worker, stream, code, status, error):
    answer = post(CHAT, **HI, stream=stream)
    prompt = queued()
    worker.fail(code, "It cannot be.")

    answer = answer()

    assert answer.status_code == status
    assert answer.json == {"error": {"message": "It cannot be.", "param": None, **error}}
    assert answer.headers.get("x-should-retry") == ("false" if status == 500 else None)
    assert answer.headers["X-Prompt-Id"] == prompt.id
    assert answer.headers["x-request-id"] == f"req_{prompt.id.replace('-', '')}"


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_somebody_else_cancels_is_gone(post, queued, queue, stream):
    answer = post(CHAT, **HI, stream=stream)
    queue.cancel(queued().id)

    answer = answer()

    assert (answer.status_code, answer.headers["x-should-retry"]) == (410, "false")
    assert (answer.json["error"]["type"], answer.json["error"]["code"]) == ("server_error", "cancelled")


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        (CHAT, {**HI, "model": "nope"}, 404, ("model 'nope' not found", "not_found_error", "model", "model_not_found")),
        (CHAT, {**HI, "n": 2}, 400, (None, "invalid_request_error", "n", "invalid_request")),
        (CHAT, "{", 400, (None, "invalid_request_error", None, "invalid_json")),
        (CHAT, "", 400, (None, "invalid_request_error", None, "invalid_json")),
        (COMPLETIONS, {"prompt": "hi"}, 404, ("model '' not found", "not_found_error", "model", "model_not_found")),
        (
            "/v1/embeddings",
            {"model": "llama3.2", "input": "hi"},
            501,
            (
                "This server does not support embeddings. Start it with `--embeddings`",
                "api_error",
                None,
                "not_supported",
            ),
        ),
        ("/v1/embeddings", {"model": "llama3.2"}, 400, ("invalid input", "invalid_request_error", "input", None)),
        (
            "/v1/embeddings",
            {"model": "nope", "input": "hi"},
            404,
            ('model "nope" not found, try pulling it first', "not_found_error", "model", "model_not_found"),
        ),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_queued(client, queue, path, body, status, error):
    answer = client.post(path, **({"data": body} if isinstance(body, str) else {"json": body}))

    assert answer.status_code == status
    said = answer.json["error"]
    for name, expected in zip(("message", "type", "param", "code"), error, strict=True):
        assert expected is None or said[name] == expected
    assert list(said) == ["message", "type", "param", "code"]
    assert NAME.fullmatch(answer.headers["x-request-id"])
    assert answer.headers.get("x-should-retry") == ("false" if status == 501 else None)
    assert not queue.newest().prompts


def test_a_full_queue_says_when_to_come_again(make_app, submit):
    submit()
    client = make_app(max_queue_depth=1).test_client()

    answer = client.post(CHAT, json=HI)

    assert answer.status_code == 429
    assert answer.json["error"]["type"] == "rate_limit_error"
    assert answer.json["error"]["code"] == "queue_full"
    assert 1 <= int(answer.headers["Retry-After"]) <= 59


def test_too_many_held_calls_may_come_again(make_app):
    answer = make_app(max_streams=0).test_client().post(CHAT, json=HI)

    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert answer.json["error"]["type"] == "server_error"


def test_a_body_that_is_too_large_is_refused_as_such(make_app):
    answer = make_app(max_prompt_bytes=100).test_client().post(CHAT, json={**HI, "user": "u" * 100})

    assert answer.status_code == 413
    assert (answer.json["error"]["type"], answer.json["error"]["code"]) == ("invalid_request_error", "too_large")


def test_whatever_a_client_says_of_itself_is_let_be(client, queue):
    headers = {
        "Authorization": "Bearer sk-anything",
        "OpenAI-Organization": "org",
        "OpenAI-Project": "project",
        "OpenAI-Beta": "assistants=v2",
        "Prefer": "respond-async",
    }

    assert client.post(f"{CHAT}?beta=true", json=HI, headers=headers).status_code == 202


def test_another_body_under_the_same_key_is_refused_with_a_status_that_is_not_sent_again(client, post, queued, worker):
    answer = post(CHAT, headers={"Idempotency-Key": "the-same-key-for-both"}, **HI)
    queued()
    other = client.post(CHAT, json={**HI, "n": 1}, headers={"Idempotency-Key": "the-same-key-for-both"})
    worker.answer(RECORD)

    assert answer().status_code == 200
    assert other.status_code == 400
    assert other.json["error"]["code"] == "idempotency_conflict"


# ---- models ---------------------------------------------------------------------------------------------------------


def test_the_model_is_listed_once_a_worker_has_found_it(client, worker, queue):
    assert client.get("/v1/models").json == {"object": "list", "data": []}


def test_the_models_are_the_one_that_there_is(client, worker, queue):
    describe(worker, queue)

    answer = client.get("/v1/models")

    assert answer.json == {
        "object": "list",
        "data": [{"id": "llama3.2:latest", "object": "model", "created": 1746405464, "owned_by": "library"}],
    }
    assert list(answer.json["data"][0]) == ["id", "object", "created", "owned_by"]
    assert NAME.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize("state", [ModelState.MISSING, ModelState.DOWNLOADING])
def test_a_model_that_is_not_installed_is_neither_listed_nor_found(client, worker, queue, state):
    describe(worker, queue, state)

    assert client.get("/v1/models").json["data"] == []
    assert client.get("/v1/models/llama3.2").status_code == 404


def test_a_model_is_described_by_the_name_that_was_asked_for(client, worker, queue):
    describe(worker, queue)

    assert client.get("/v1/models/Llama3.2").json["id"] == "Llama3.2"
    missing = client.get("/v1/models/nope")
    assert missing.status_code == 404
    assert missing.json["error"] == {
        "message": "model 'nope' not found",
        "type": "not_found_error",
        "param": "model",
        "code": "model_not_found",
    }


# ---- addresses that there are not -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/nope", "/v1/batches", "/v1/files", "/v1/files/file-1/content", "/v1/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_address_that_there_is_not_is_404_in_openai_s_words(client, path, method):
    answer = client.open(path, method=method, json={})

    assert answer.status_code == 404
    assert answer.json["error"]["type"] == "not_found_error"
    assert NAME.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "OPTIONS, POST"),
        ("DELETE", COMPLETIONS, "OPTIONS, POST"),
        ("GET", "/v1/embeddings", "OPTIONS, POST"),
        ("POST", "/v1/models", "GET, HEAD, OPTIONS"),
        ("PUT", "/v1/models/llama3.2", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_405_with_those_that_are_right(client, method, path, allowed):
    answer = client.open(path, method=method, json={})

    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.json["error"]["type"] == "invalid_request_error"
