from __future__ import annotations

import openai
import pytest
from promptqueue.prompt import ErrorCode, Failed, Status
from pydantic import BaseModel
from responses_asked import CALL, FUNCTION, TEXT, record


def test_a_response_is_answered_whole(client, answer):
    response = answer(client, input="hi", instructions="be brief", metadata={"a": "b"}, max_output_tokens=5)
    assert response.output_text == TEXT
    assert response.status == "completed"
    assert response.usage.total_tokens == 39
    assert response.metadata == {"a": "b"}
    assert response.instructions == "be brief"
    assert client.responses.retrieve(response.id) == response


def test_a_response_is_streamed_as_it_is_written(client, claim, worker):
    with client.responses.create(model="llama3.2", input="hi", stream=True) as stream:
        assert [next(stream).type for _ in range(2)] == ["response.created", "response.queued"]
        running = claim()
        assert next(stream).type == "response.in_progress"
        worker.speak(running, "one")
        assert [next(stream).type for _ in range(2)] == ["response.output_item.added", "response.content_part.added"]
        assert next(stream).delta == "one"
        worker.speak(running, " two three", offset=3)
        assert next(stream).delta == " two three"
        worker.finish(running, record())
        *_, last = stream
    assert last.response.output_text == TEXT
    assert client.responses.retrieve(last.response.id) == last.response


def test_the_client_s_own_helper_gathers_a_stream_with_its_calls(client, claim, worker, meanwhile):
    def ask():
        with client.responses.stream(model="llama3.2", input="hi", tools=[FUNCTION]) as stream:
            return list(stream), stream.get_final_response()

    asked = meanwhile(ask)
    running = claim()
    worker.speak(running, "one two three")
    worker.finish(running, record(calls=[CALL]))
    events, response = asked.result(30)
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
    assert response.output_text == TEXT
    assert response.output[1].name == "weather"
    assert response.output[1].arguments == '{"city":"Zürich"}'


def test_an_answer_in_a_shape_is_read_into_a_model_of_the_client_s(client, claim, worker, queue, meanwhile):
    class City(BaseModel):
        name: str

    asked = meanwhile(client.responses.parse, model="llama3.2", input="hi", text_format=City)
    running = claim()
    assert queue.request(running.prompt.id)["format"]["properties"]["name"]["type"] == "string"
    worker.finish(running, record('{"name":"Bern"}'))
    assert asked.result(30).output_parsed == City(name="Bern")


def test_an_answer_cut_at_its_limit_is_incomplete(client, answer):
    response = answer(client, TEXT, (), "length", input="hi")
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


@pytest.mark.parametrize(
    ("code", "error"),
    [(ErrorCode.MODEL_REFUSED, openai.BadRequestError), (ErrorCode.TIMED_OUT, openai.InternalServerError)],
)
def test_what_fails_raises(client, worker, claim, meanwhile, code, error):
    asked = meanwhile(client.responses.create, model="llama3.2", input="hi")
    worker.queue.finish(claim(), Failed(cause="No.", code=code))
    with pytest.raises(error):
        asked.result(30)


@pytest.mark.parametrize("helper", [False, True])
def test_a_stream_that_fails_raises(client, worker, claim, meanwhile, helper):
    def ask():
        if helper:
            with client.responses.stream(model="llama3.2", input="hi") as stream:
                return list(stream)
        return list(client.responses.create(model="llama3.2", input="hi", stream=True))

    asked = meanwhile(ask)
    running = claim()
    worker.speak(running, "one")
    worker.queue.finish(running, Failed(cause="No.", code=ErrorCode.MODEL_REFUSED))
    with pytest.raises(openai.APIError) as raised:
        asked.result(30)
    assert (raised.value.code, raised.value.message) == ("invalid_prompt", "No.")


def test_a_stream_whose_prompt_somebody_cancels_raises(client, queue, worker, claim, meanwhile):
    asked = meanwhile(lambda: list(client.responses.create(model="llama3.2", input="hi", stream=True)))
    queue.cancel(claim().prompt.id)
    with pytest.raises(openai.APIError) as raised:
        asked.result(30)
    assert raised.value.code == "cancelled"


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"model": "nope"}, openai.NotFoundError, "model"),
        ({"input": []}, openai.BadRequestError, "input"),
        ({"conversation": "c"}, openai.BadRequestError, "conversation"),
        ({"previous_response_id": "resp_1"}, openai.BadRequestError, "previous_response_id"),
        ({"background": True, "store": False}, openai.BadRequestError, "store"),
    ],
)
def test_what_cannot_be_asked_raises_and_is_not_queued(client, queue, fields, error, param):
    with pytest.raises(error) as raised:
        client.responses.create(**{"model": "llama3.2", "input": "hi", **fields})
    assert raised.value.param == param
    assert not queue.newest(status=Status.QUEUED).prompts


def test_a_request_as_codex_sends_it_is_answered(client, answer):
    response = answer(
        client,
        instructions="You are Codex.",
        input=[
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "sandbox"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        ],
        tools=[
            FUNCTION,
            {"type": "namespace", "name": "multi", "description": "d", "tools": [FUNCTION]},
            {"type": "web_search"},
        ],
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"summary": "auto"},
        store=False,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="0123",
    )
    assert response.output_text == TEXT
    assert [tool.type for tool in response.tools] == ["function", "namespace", "web_search"]
