from __future__ import annotations

import uuid

import openai
import pytest
from promptqueue.prompt import ErrorCode, Failed, Status
from responses_asked import TEXT, in_background, prompt_id_of, record


def test_a_response_in_the_background_is_polled_until_it_is_there(client, claim, worker, queue):
    response = in_background(client)
    assert (response.status, response.output, response.usage) == ("queued", [], None)
    running = claim()
    assert client.responses.retrieve(response.id).status == "in_progress"
    worker.speak(running, "one", write=True)
    response = client.responses.retrieve(response.id)
    assert (response.output_text, response.output[0].status) == ("one", "in_progress")
    worker.finish(running, record())
    response = client.responses.retrieve(response.id)
    assert (response.status, response.output_text) == ("completed", TEXT)
    assert response.completed_at == int(queue.get(running.prompt.id).completed_at)


def test_a_client_is_told_when_to_ask_again_until_there_is_an_end(client, claim, worker):
    raw = client.responses.with_raw_response
    asked = raw.create(model="llama3.2", input="hi", background=True)
    response = asked.parse()
    assert 500 <= int(asked.headers["openai-poll-after-ms"]) <= 10_000
    assert asked.headers["X-Prompt-Id"] == prompt_id_of(response)
    assert asked.headers["x-request-id"] == response.id.replace("resp_", "req_")
    assert "openai-poll-after-ms" in raw.retrieve(response.id).headers
    worker.finish(claim(), record())
    assert "openai-poll-after-ms" not in raw.retrieve(response.id).headers


def test_the_model_server_is_named_once_it_has_answered(client, claim, worker):
    raw = client.responses.with_raw_response
    response = in_background(client)
    running = claim()
    assert "X-Served-By" not in raw.retrieve(response.id).headers
    worker.finish(running, record())
    assert raw.retrieve(response.id).headers["X-Served-By"] == worker.terms.server


def test_a_cancel_is_final_and_can_be_repeated(client, claim, queue):
    response = in_background(client)
    running = claim()
    for _ in range(2):
        assert client.responses.cancel(response.id).status == "cancelled"
    assert queue.get(running.prompt.id).status is Status.COMPLETED
    assert client.responses.retrieve(response.id).status == "cancelled"


def test_a_cancel_changes_nothing_that_has_ended(client, claim, worker):
    response = in_background(client)
    worker.finish(claim(), record())
    assert client.responses.cancel(response.id).status == "completed"


def test_only_a_response_in_the_background_can_be_cancelled(client, answer):
    response = answer(client, input="hi")
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(response.id)


def test_a_response_in_the_background_that_fails_says_why(client, claim, worker):
    response = in_background(client)
    worker.queue.finish(claim(), Failed(cause="No.", code=ErrorCode.PROMPT_TOO_LONG))
    response = client.responses.retrieve(response.id)
    assert (response.status, response.error.code, response.error.message) == (
        "failed",
        "context_length_exceeded",
        "No.",
    )


def test_a_completion_window_is_how_long_a_response_may_wait(client, queue):
    response = in_background(client, background_options={"completion_window": "2h"})
    prompt = queue.get(prompt_id_of(response))
    assert prompt.priority == "batch"
    assert prompt.expires_at == pytest.approx(prompt.created_at + 7200)
    client.responses.cancel(response.id)


def test_leaving_a_stream_in_the_background_changes_nothing(client, claim, worker, queue):
    with in_background(client, stream=True) as stream:
        response = next(stream).response
    running = claim()
    worker.finish(running, record())
    assert client.responses.retrieve(response.id).output_text == TEXT


def test_the_same_key_gives_the_same_response(client, claim, worker):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = (in_background(client, extra_headers=headers) for _ in range(2))
    assert first.id == second.id
    worker.finish(claim(), record())
