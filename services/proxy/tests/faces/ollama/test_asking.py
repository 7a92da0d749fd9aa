"""The endpoints that ask the model, as the application serves them."""

import json

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import ErrorCode

HI = [{"role": "user", "content": "hi"}]
CALLS = [{"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}]


def records(asking):
    """What was streamed, a record a chunk, without times."""
    asking.join()
    assert all(chunk.endswith(b"\n") and chunk.count(b"\n") == 1 for chunk in asking.chunks)
    return [{k: v for k, v in json.loads(chunk).items() if k != "created_at"} for chunk in asking.chunks]


def test_a_prompt_is_streamed_a_record_a_chunk(asking, worker, queued, until, record):
    call = asking("/api/generate", model="LLAMA3.2", prompt="hi")
    queued()
    claim = worker.claim()
    worker.speak(claim, "Ray", "leigh.", write=True)
    worker.finish(claim, record | {"response": "Rayleigh.", "context": [1]})

    assert call.answer.status_code == 200
    assert call.answer.headers["Content-Type"] == "application/x-ndjson"
    *pieces, last = records(call)
    assert "".join(piece["response"] for piece in pieces) == "Rayleigh."
    assert all(list(piece) == ["model", "response", "done"] and piece["done"] is False for piece in pieces)
    assert last == {"model": "LLAMA3.2", "response": "", "done": True, "done_reason": "stop", "eval_count": 3}


def test_a_whole_answer_is_one_document_of_ollamas_fields(asking, worker, queued, record):
    call = asking("/api/generate", model="llama3.2:latest", prompt="hi", stream=False)
    prompt = queued()
    worker.answer()

    assert call.answer.status_code == 200
    assert call.answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert call.answer.headers["X-Prompt-Id"] == prompt.id
    [document] = map(json.loads, call.chunks)
    assert list(document) == ["model", "created_at", "response", "done", "done_reason", "eval_count"]
    assert document | record | {"model": "llama3.2:latest"} == document


def test_a_chat_and_its_tool_calls_come_in_ollamas_order(asking, worker, queued):
    answer = {
        "model": "llama3.2", "created_at": "2026-11-23T12:47:18Z", "done": True, "done_reason": "stop",
        "message": {"role": "assistant", "content": "", "tool_calls": CALLS},
    }  # fmt: skip
    call = asking("/api/chat", model="llama3.2", messages=HI, tools=[{"type": "function", "function": {"name": "f"}}])
    queued()
    worker.answer(answer)

    calls, last = records(call)
    assert calls == {
        "model": "llama3.2", "message": {"role": "assistant", "content": "", "tool_calls": CALLS}, "done": False,
    }  # fmt: skip
    assert list(last) == ["model", "message", "done", "done_reason"]


def test_what_was_asked_is_what_the_worker_gets(asking, worker, queued, queue):
    call = asking("/api/chat", model="llama3.2", messages=HI, options={"num_ctx": 9, "seed": 1}, keep_alive=-1)
    prompt = queued()
    origin = queue.origin(prompt.id)
    request = queue.request(prompt.id)
    worker.answer()

    assert request == {"messages": HI, "options": {"seed": 1, "num_predict": 4096}, "truncate": True}
    assert (origin.face, origin.echo) == ("ollama.chat", {"model": "llama3.2"})
    assert call.answer.headers["X-Ignored"] == "num_ctx, keep_alive"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.MODEL_REFUSED, 400),
        (ErrorCode.PROMPT_TOO_LONG, 400),
        (ErrorCode.ATTEMPTS_EXHAUSTED, 500),
        (ErrorCode.TIMED_OUT, 500),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_without_an_answer_has_its_reason_as_its_status(asking, worker, queued, stream, code, status):
    call = asking("/api/generate", model="llama3.2", prompt="hi", stream=stream)
    queued()
    worker.fail(code, "request (9034 tokens) exceeds the available context size (4096 tokens)")

    assert call.answer.status_code == status
    assert call.json == {"error": "request (9034 tokens) exceeds the available context size (4096 tokens)"}
    assert call.answer.headers.get("x-should-retry") == (None if status == 400 else "false")


def test_a_prompt_that_somebody_else_cancels_is_gone(asking, queued, queue):
    call = asking("/api/generate", model="llama3.2", prompt="hi")
    queue.cancel(queued().id)

    assert (call.answer.status_code, list(call.json)) == (410, ["error"])


def test_a_full_queue_is_said_in_ollamas_own_sentence(make_app):
    client = make_app(max_queue_depth=1).test_client()
    client.post("/api/v1/prompt", json={"prompt": "first"})

    answer = client.post("/api/chat", json={"model": "llama3.2", "messages": HI})

    assert answer.status_code == 503
    assert answer.json == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert 1 <= int(answer.headers["Retry-After"]) <= 59
    assert answer.headers["x-should-retry"] == "true"


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat", "/api/show", "/api/pull", "/api/embed"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "missing request body"),
        (" \n", "missing request body"),
        ("{", "unexpected EOF"),
        ('{"model":"ll', "unexpected EOF"),
    ],
)
def test_a_body_that_is_empty_or_cut_is_refused_in_gos_words(client, path, data, words):
    answer = client.post(path, data=data)

    assert (answer.status_code, answer.json) == (400, {"error": words})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(("data", "words"), [("model=llama3.2&prompt=hi", "looks like a form"), ("{}{", "trailing")])
def test_one_that_is_no_json_otherwise_is_refused_in_our_words(client, data, words):
    answer = client.post("/api/generate", data=data)

    assert (answer.status_code, list(answer.json)) == (400, ["error"])
    assert words in answer.json["error"]


def test_one_that_is_too_large_is_refused_with_its_own_status(make_app):
    client = make_app(max_prompt_bytes=100).test_client()

    answer = client.post("/api/generate", json={"model": "llama3.2", "prompt": "x" * 100})

    assert (answer.status_code, list(answer.json)) == (413, ["error"])


def test_a_long_body_is_read_as_a_short_one_is(asking, worker, queued, queue):
    call = asking("/api/generate", model="llama3.2", prompt="x" * 100_000)
    assert len(queue.request(queued().id)["prompt"]) == 100_000
    worker.answer()

    assert call.answer.status_code == 200


@pytest.mark.parametrize("state", [ModelState.READY, ModelState.UNREACHABLE, ModelState.TROUBLED])
@pytest.mark.parametrize("stream", [True, False])
def test_an_empty_prompt_is_answered_at_once_and_is_not_queued(client, describe, queue, state, stream):
    describe(state)

    loaded = client.post("/api/generate", json={"model": "llama3.2", "prompt": "", "stream": stream})
    unloaded = client.post("/api/chat", json={"model": "Llama3.2", "messages": [], "keep_alive": 0, "stream": stream})

    assert loaded.headers["Content-Type"] == unloaded.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(loaded.json) == ["model", "created_at", "response", "done", "done_reason"]
    assert (loaded.json["model"], loaded.json["done_reason"]) == ("llama3.2", "load")
    assert list(unloaded.json) == ["model", "created_at", "message", "done", "done_reason"]
    assert (unloaded.json["model"], unloaded.json["done_reason"]) == ("Llama3.2", "unload")
    assert queue.newest().prompts == []


@pytest.mark.parametrize("state", [ModelState.MISSING, ModelState.DOWNLOADING])
def test_nothing_loads_a_model_that_is_not_installed(client, describe, state):
    describe(state)

    answer = client.post("/api/generate", json={"model": "llama3.2"})

    assert (answer.status_code, answer.json) == (404, {"error": "model 'llama3.2' not found"})


def test_another_model_is_not_found_and_nothing_is_queued(client, queue):
    for path in ("/api/generate", "/api/chat"):
        answer = client.post(path, json={"model": "nope", "prompt": "hi", "messages": HI})
        assert (answer.status_code, answer.json) == (404, {"error": "model 'nope' not found"})

    assert queue.newest().prompts == []


def test_a_key_that_comes_again_with_another_body_is_a_conflict(asking, worker, queued):
    key = {"Idempotency-Key": "a-key-of-sixteen-characters"}
    first = asking("/api/generate", key, model="llama3.2", prompt="hi")
    queued()
    other = asking("/api/generate", key, model="llama3.2", prompt="ho")
    assert (other.answer.status_code, list(other.json)) == (409, ["error"])

    again = asking("/api/generate", key, model="llama3.2", prompt="hi")
    worker.answer()

    assert first.answer.headers["X-Prompt-Id"] == again.answer.headers["X-Prompt-Id"]
