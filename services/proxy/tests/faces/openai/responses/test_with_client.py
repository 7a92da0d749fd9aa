"""Responses as OpenAI's own client for Python asks for them, of a real server, with somebody who answers by hand."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Status
from pydantic import BaseModel

FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CALL = {"function": {"name": "weather", "arguments": {"city": "Zürich"}}}
TEXT = "one two three"


def record(text=TEXT, calls=(), reason="stop"):
    message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    return {
        "model": "llama3.2",
        "message": message,
        "done": True,
        "done_reason": reason,
        "prompt_eval_count": 36,
        "eval_count": 3,
    }


@pytest.fixture(scope="module")
def server(serve_all):
    return serve_all()


@pytest.fixture(scope="module")
def client(server):
    return client_of(server)


def client_of(server, **options):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, **options)


@pytest.fixture
def queue(server, queue_at):
    return queue_at(server.database_url)


@pytest.fixture
def worker(server, hire_at):
    return hire_at(server.database_url)


@pytest.fixture
def meanwhile():
    """Run a call on a thread; gives its future."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


@pytest.fixture
def claim(worker, queue, until):
    """Claim the one prompt that is to come."""

    def claim():
        until(lambda: queue.newest(status=Status.QUEUED).prompts)
        return worker.claim()

    return claim


@pytest.fixture
def answer(claim, worker, meanwhile):
    """Ask with these fields, and have it answered with this record."""

    def answer(client, *args, **fields):
        asked = meanwhile(client.responses.create, model="llama3.2", **fields)
        worker.finish(claim(), record(*args))
        return asked.result(30)

    return answer


def prompt_id_of(response):
    return str(uuid.UUID(response.id.removeprefix("resp_")))


def numbers_of(events):
    return [event.sequence_number for event in events]


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


# ---- held -----------------------------------------------------------------------------------------------------------


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


# ---- in the background ----------------------------------------------------------------------------------------------


def in_background(client, **fields):
    return client.responses.create(model="llama3.2", input="hi", background=True, **fields)


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


# ---- followed -------------------------------------------------------------------------------------------------------


def follow(client, response_id, after=None):
    there = {} if after is None else {"starting_after": after}
    return client.responses.retrieve(response_id, stream=True, **there)


@pytest.fixture
def spoken(client, claim, worker):
    """A response in the background whose text was said in three pieces, and its claim."""
    response = in_background(client)
    running = claim()
    offset = 0
    for piece in ("one", " two", " three"):
        offset = worker.speak(running, piece, offset=offset, write=True)
    return response, running


def test_a_stream_goes_on_after_every_event_live_and_over_and_after_a_restart(
    client, spoken, worker, serve, server, meanwhile
):
    response, running = spoken
    live = meanwhile(lambda: list(follow(client, response.id)))
    halves = [meanwhile(lambda after=after: list(follow(client, response.id, after))) for after in (1, 2, 4, 9)]
    worker.finish(running, record(calls=[CALL]))
    first = live.result(30)
    assert text_of(first) == TEXT
    assert numbers_of(first) == sorted(set(numbers_of(first)))
    another = serve(DATABASE_URL=server.database_url)
    for after, half in zip((1, 2, 4, 9), halves, strict=True):
        assert without_text(half.result(30)) == without_text(first, after)
    for reader in (client, client_of(another)):
        assert without_text(list(follow(reader, response.id))) == without_text(first)
        for after in numbers_of(first):
            rest = list(follow(reader, response.id, after))
            assert without_text(rest) == without_text(first, after)
            known = text_of([event for event in first if event.sequence_number <= after])
            assert known + text_of(rest) == TEXT


def without_text(events, after=-1):
    deltas = "response.output_text.delta"
    return [event for event in events if event.type != deltas and event.sequence_number > after]


def test_a_stream_that_was_left_goes_on_where_it_was(client, spoken, worker, meanwhile):
    response, running = spoken
    known = []
    with follow(client, response.id) as stream:
        for event in stream:
            known.append(event)
            if event.type == "response.output_text.delta":
                break
    rest = meanwhile(lambda: list(follow(client, response.id, known[-1].sequence_number)))
    worker.finish(running, record())
    rest = rest.result(30)
    assert text_of(known) + text_of(rest) == TEXT
    assert rest[-1].type == "response.completed"


def test_text_that_was_begun_anew_is_said_to_be(client, spoken, claim, worker, until, meanwhile):
    response, running = spoken
    [*_, last] = _until_text(follow(client, response.id))
    reading = meanwhile(lambda: list(follow(client, response.id)))
    worker.queue.release(running)
    with pytest.raises(openai.APIError) as raised:
        reading.result(30)
    assert raised.value.code == "response_restarted"
    for _ in range(2):  # while it waits, and while it is answered
        with pytest.raises(openai.BadRequestError) as refused:
            follow(client, response.id, last.sequence_number)
        assert refused.value.code == "response_restarted"
        assert client.responses.retrieve(response.id).output_text == ""
        running = running if running.attempt == 2 else claim()
    rest = meanwhile(lambda: list(follow(client, response.id, 2)))
    worker.speak(running, TEXT, write=True)
    worker.finish(running, record())
    rest = rest.result(30)
    assert text_of(rest) == TEXT
    assert numbers_of(rest)[0] == 1_000_000_002


def test_a_stream_in_the_background_whose_text_is_begun_anew_ends_and_its_response_goes_on(
    client, claim, worker, meanwhile
):
    with in_background(client, stream=True) as stream:
        response = next(stream).response
        running = claim()
        worker.speak(running, "one")
        while next(stream).type != "response.output_text.delta":
            pass
        worker.queue.release(running)
        with pytest.raises(openai.APIError) as raised:
            list(stream)
    assert raised.value.code == "response_restarted"
    worker.finish(claim(), record())
    assert client.responses.retrieve(response.id).output_text == TEXT


def test_a_held_stream_whose_text_is_begun_anew_fails_and_its_response_is_cancelled(client, claim, worker, until):
    with client.responses.create(model="llama3.2", input="hi", stream=True) as stream:
        response = next(stream).response
        running = claim()
        worker.speak(running, "one")
        while next(stream).type != "response.output_text.delta":
            pass
        worker.queue.release(running)
        assert next(stream).type == "response.failed"
        with pytest.raises(openai.APIError) as raised:
            list(stream)
    assert raised.value.code == "server_error"
    until(lambda: client.responses.retrieve(response.id).status == "cancelled")


def test_a_response_in_the_background_outlives_the_proxy(serve, hire_at, queue_at, until, meanwhile):
    first = serve()
    client, worker, queue = client_of(first), hire_at(first.database_url), queue_at(first.database_url)
    response = in_background(client)
    stream = follow(client, response.id)
    assert next(stream).type == "response.created"
    running = until(lambda: queue.newest(status=Status.QUEUED).prompts) and worker.claim()
    while (known := next(stream)).type != "response.in_progress":
        pass
    first.stop()
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    assert raised.value.code == "stopping"
    client = client_of(serve(DATABASE_URL=first.database_url))
    reading = meanwhile(lambda: list(follow(client, response.id, known.sequence_number)))
    worker.speak(running, TEXT, write=True)
    worker.finish(running, record())
    assert text_of(reading.result(30)) == TEXT
    assert client.responses.retrieve(response.id).output_text == TEXT


def _until_text(stream):
    with stream:
        for event in stream:
            yield event
            if event.type == "response.output_text.delta":
                return


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30, str(10**12)])
def test_what_is_no_number_of_an_event_is_refused(client, server, spoken, worker, after):
    response, running = spoken
    answer = server.get(f"/v1/responses/{response.id}?stream=true&starting_after={after}")
    assert (answer.status, answer.json["error"]["param"]) == (400, "starting_after")
    worker.finish(running, record())


def test_a_failure_is_heard_by_whoever_follows_and_by_whoever_comes_too_late(client, spoken, worker, meanwhile):
    response, running = spoken
    reading = meanwhile(lambda: list(follow(client, response.id)))
    worker.queue.finish(running, Failed(cause="No.", code=ErrorCode.MODEL_REFUSED))
    for listen in (reading.result, lambda: list(follow(client, response.id))):
        with pytest.raises(openai.APIError, match=r"^No\.$"):
            listen()
    assert client.responses.retrieve(response.id).output_text == TEXT


def test_a_response_that_its_client_cancels_ends_its_streams(client, spoken, meanwhile):
    response, _ = spoken
    reading = meanwhile(lambda: list(follow(client, response.id)))
    client.responses.cancel(response.id)
    with pytest.raises(openai.APIError) as raised:
        reading.result(30)
    assert raised.value.code == "cancelled"


# ---- stored ---------------------------------------------------------------------------------------------------------


def test_a_conversation_of_three_goes_on_with_its_calls_and_without_its_instructions(client, answer, queue):
    first = answer(client, "", [CALL], input="weather?", instructions="be brief", tools=[FUNCTION])
    result = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "4 °C"}
    second = answer(client, "cold", input=[result], previous_response_id=first.id)
    third = answer(client, "yes", input="sure?", previous_response_id=second.id)
    assert third.previous_response_id == second.id
    request = queue.request(prompt_id_of(third))
    called = {**CALL, "id": first.output[0].call_id}
    assert request["messages"] == [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": "", "tool_calls": [called]},
        {"role": "tool", "content": "4 °C", "tool_call_id": called["id"], "tool_name": "weather"},
        {"role": "assistant", "content": "cold"},
        {"role": "user", "content": "sure?"},
    ]
    assert "system" not in request
    assert "tools" not in request


def test_an_item_that_was_put_out_can_be_referred_to_by_its_id(client, answer, queue):
    first = answer(client, "let me look", [CALL], input="weather?", tools=[FUNCTION])
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "4 °C"}
    second = answer(client, "cold", input=[{"role": "user", "content": "weather?"}, *references, result])
    roles = [message["role"] for message in queue.request(prompt_id_of(second))["messages"]]
    assert roles == ["user", "assistant", "tool"]
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="llama3.2", input=[{"type": "item_reference", "id": "msg_1"}])


def test_nothing_goes_on_from_a_response_that_has_no_answer(client, spoken, worker):
    response, _ = spoken
    for _ in range(2):  # before its end, and after one without an answer
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="llama3.2", input="hi", previous_response_id=response.id)
        assert refused.value.code == "previous_response_not_found"
        client.responses.cancel(response.id)


def test_a_response_that_is_not_stored_is_erased_once_it_was_delivered(client, answer, queue, until):
    response = answer(client, input="hi", store=False)
    assert response.store is False
    until(lambda: _is_gone(queue, prompt_id_of(response)))
    for ask in (client.responses.retrieve, client.responses.input_items.list, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            ask(response.id)
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="llama3.2", input="hi", previous_response_id=response.id)


def _is_gone(queue, prompt_id):
    try:
        queue.get(prompt_id)
    except PromptNotFound:
        return True
    return False


def test_a_response_that_is_not_stored_is_not_found_while_it_is_answered_either(client, claim, worker, meanwhile):
    asked = meanwhile(client.responses.create, model="llama3.2", input="hi", store=False)
    running = claim()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(f"resp_{running.prompt.id.replace('-', '')}")
    worker.finish(running, record())
    asked.result(30)


def test_a_response_is_deleted_once(client, server, answer):
    response = answer(client, input="hi")
    deleted = server.call("DELETE", f"/v1/responses/{response.id}")
    assert deleted.json == {"id": response.id, "object": "response", "deleted": True}
    for ask in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(response.id)


def test_deleting_a_response_ends_it(client, spoken, queue):
    response, _ = spoken
    client.responses.delete(response.id)
    assert _is_gone(queue, prompt_id_of(response))


def test_input_items_are_listed_page_by_page_in_either_order(client, answer):
    first = answer(client, "let me look", [CALL], input="weather?", tools=[FUNCTION])
    result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "4 °C"}
    response = answer(client, input=[result, {"role": "user", "content": "and?"}], previous_response_id=first.id)
    asked = client.responses.input_items.list
    forward = list(asked(response.id, order="asc", limit=2))  # the client asks for page after page
    assert [item.type for item in forward] == [
        "message", "message", "function_call", "function_call_output", "message",
    ]  # fmt: skip
    assert [item.content[0].text for item in forward if item.type == "message"] == ["weather?", "let me look", "and?"]
    assert list(asked(response.id)) == forward[::-1]
    page = asked(response.id, order="asc", limit=2, after=forward[0].id)
    assert (page.data, page.has_more, page.first_id, page.last_id) == (
        forward[1:3], True, forward[1].id, forward[2].id
    )  # fmt: skip
    assert asked(response.id, order="asc", after=forward[-1].id).data == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_1"])
def test_a_page_that_there_is_not_is_refused(client, server, answer, query):
    response = answer(client, input="hi")
    refused = server.get(f"/v1/responses/{response.id}/input_items?{query}")
    assert (refused.status, refused.json["error"]["param"]) == (400, query.partition("=")[0])


def test_the_tokens_of_an_input_are_estimated(client, server):
    counted = client.responses.with_raw_response.input_tokens.count(input="x" * 400, instructions="y" * 40)
    assert counted.headers["X-Estimated"] == "true"
    assert counted.parse().input_tokens == 110


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/compact", 404),
        ("GET", "/resp_1", 404),
        ("GET", f"/resp_{'0' * 32}", 404),
        ("GET", f"/chatcmpl-{'0' * 32}", 404),
        ("POST", f"/resp_{'0' * 32}/cancel", 404),
        ("GET", "", 405),
        ("PUT", "", 405),
        ("GET", "/resp_1/nothing", 404),
    ],
)
def test_what_is_not_there_is_said_in_openai_s_words(server, method, path, status):
    answer = server.call(method, f"/v1/responses{path}")
    assert answer.status == status
    assert answer.json["error"].keys() == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_prompt_of_another_face_is_no_response(server, worker, claim, meanwhile):
    body = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]}
    asked = meanwhile(server.post, "/v1/chat/completions", body)
    running = claim()
    worker.finish(running, record())
    asked.result(30)
    assert server.get(f"/v1/responses/resp_{running.prompt.id.replace('-', '')}").status == 404
