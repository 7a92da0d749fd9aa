"""The official client of OpenAI, unmodified, raises what it knows, and sends again only what is worth it."""

from __future__ import annotations

import threading

import openai
import pytest
from openai_deeds import HI, MODEL, chat, fails
from promptqueue.prompt import ErrorCode, Status


@pytest.mark.parametrize(
    ("ask", "raised", "status"),
    [
        (lambda client: chat(client, n=2), openai.BadRequestError, 400),
        (lambda client: chat(client, messages=[]), openai.BadRequestError, 400),
        (lambda client: client.models.retrieve("nope"), openai.NotFoundError, 404),
        (lambda client: client.chat.completions.create(model="nope", messages=HI), openai.NotFoundError, 404),
        (lambda client: client.batches.list(), openai.NotFoundError, 404),
        (lambda client: client.files.list(), openai.NotFoundError, 404),
        (lambda client: client.embeddings.create(model=MODEL, input="hi"), openai.InternalServerError, 501),
    ],
)
def test_what_cannot_be_is_raised_as_its_class(client, ask, raised, status):
    with pytest.raises(raised) as failed:
        ask(client)

    assert failed.value.status_code == status
    assert failed.value.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("code", "raised", "status"),
    [
        (ErrorCode.MODEL_REFUSED, openai.BadRequestError, 400),
        (ErrorCode.PROMPT_TOO_LONG, openai.BadRequestError, 400),
        (ErrorCode.ATTEMPTS_EXHAUSTED, openai.InternalServerError, 500),
        (ErrorCode.TIMED_OUT, openai.InternalServerError, 500),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_fails_is_raised_as_its_class_and_not_sent_again(
    client, model, count, stream, code, raised, status
):
    model(fails(code))

    with pytest.raises(raised) as failed:
        chat(client, stream=stream)

    assert failed.value.status_code == status
    assert failed.value.code == {"prompt_too_long": "context_length_exceeded"}.get(code, code)
    assert count() == 1


def test_a_cancelled_prompt_is_raised_and_not_sent_again(client, worker, count, until):
    def cancel():
        worker.queue.cancel(until(lambda: worker.queue.newest(status=Status.QUEUED).prompts)[0].id)

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(openai.APIStatusError) as failed:
        chat(client)
    thread.join()

    assert (failed.value.status_code, failed.value.code) == (410, "cancelled")
    assert count() == 1


def test_a_stream_that_fails_after_some_text_raises_and_is_never_short(client, model, count):
    model(fails(ErrorCode.TIMED_OUT, "one", " two"))

    got = []
    with pytest.raises(openai.APIError):
        got.extend(chunk.choices[0].delta.content for chunk in chat(client, stream=True))

    assert count() == 1


def test_a_full_queue_is_a_rate_limit(serve, client_of):
    server = serve(MAX_QUEUE_DEPTH=1)
    server.submit()

    with pytest.raises(openai.RateLimitError) as failed:
        chat(client_of(server, max_retries=0))

    assert failed.value.code == "queue_full"
    assert 1 <= int(failed.value.response.headers["Retry-After"]) <= 59
    assert server.queue()["queued"] == 1
