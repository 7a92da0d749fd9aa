"""The official client, unmodified, at a real server whose prompts are answered by hand."""

import asyncio
import os
import signal
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import anthropic
import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import ErrorCode, Failed
from pydantic import BaseModel
from support.waiting import stays

QUESTION = {"role": "user", "content": "Why is the sky blue?"}
ASKED = {"model": "llama3.2", "max_tokens": 100, "messages": [QUESTION]}
TOOL = {
    "name": "get_weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = {"id": "call_x", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
CALLED = {"type": "tool_use", "id": "call_x", "name": "get_weather", "input": {"city": "Oslo"}}
TEXT = "It scatters \u2028 light. \U0001f308"


def record(text="", calls=(), **more):
    message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    counts = {"prompt_eval_count": 26, "eval_count": 7}
    return {"model": "llama3.2", "message": message, "done": True, "done_reason": "stop", **counts, **more}


class Place:
    """A server, somebody who answers its prompts, and clients that ask while the test goes on."""

    def __init__(self, server, worker, until):
        self.server = server
        self.worker = worker
        self.until = until
        self.sent = []
        self._threads = ThreadPoolExecutor()

    def client(self, **options):
        """Make a client; `sent` counts its requests."""
        direct = anthropic.DefaultHttpxClient(trust_env=False, event_hooks={"request": [self.sent.append]})
        said = {"base_url": self.server.url, "api_key": "none", "max_retries": 0, "http_client": direct}
        return anthropic.Anthropic(**{**said, **options})

    def asks(self, ask, *arguments, **options):
        """Ask in a thread; what will come of it."""
        return self._threads.submit(ask, *arguments, **options)

    def claim(self):
        """Take the next prompt, once there is one."""
        return self.until(lambda: self.worker.queue.claim(self.worker.terms), "a prompt to answer")

    def speak(self, claim, text):
        """Say a text word by word, with what stands between."""
        self.worker.speak(claim, *(text[start : start + 3] for start in range(0, len(text), 3)))

    def answer(self, text="", calls=(), **more):
        """Answer the next prompt: word by word, and whole; what was asked."""
        claim = self.claim()
        self.speak(claim, text)
        self.worker.finish(claim, record(text, calls, **more))
        return claim.request


@pytest.fixture(scope="module", params=["gevent", "threads"])
def served(request, serve_all):
    return serve_all(request.param)


@pytest.fixture
def place(served, hire_at, until):
    return Place(served, hire_at(served.database_url), until)


def test_a_message_comes_whole(place):
    asked = place.asks(place.client().messages.create, **ASKED)
    request = place.answer(TEXT)
    message = asked.result()

    assert request == {"messages": [QUESTION], "options": {"num_predict": 100}}
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": TEXT}]
    assert (message.stop_reason, message.model, message.role) == ("end_turn", "llama3.2", "assistant")
    assert message.usage.to_dict() == {"input_tokens": 26, "output_tokens": 7}
    assert message._request_id == message.id.replace("msg_", "req_")


def test_a_message_is_found_in_the_queues_own_words_by_its_id(place):
    asked = place.asks(place.client().messages.with_raw_response.create, **ASKED)
    place.answer("Blue.")
    answer = asked.result()

    prompt_id = answer.headers["X-Prompt-Id"]
    assert answer.parse().id == f"msg_{prompt_id.replace('-', '')}"
    assert place.server.get(f"/api/v1/prompt/{prompt_id}/result").json["message"]["content"] == "Blue."


def test_a_stream_brings_the_text_as_it_is_spoken(place):
    def read():
        with place.client().messages.create(**ASKED, stream=True) as stream:
            return [event.to_dict() for event in stream]

    asked = place.asks(read)
    place.answer(TEXT)
    events = asked.result()

    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta") == TEXT


def test_the_clients_own_reader_of_streams_puts_the_message_together(place):
    def read():
        with place.client().messages.stream(**ASKED) as stream:
            return "".join(stream.text_stream), stream.get_final_message()

    asked = place.asks(read)
    place.answer(TEXT, [CALL])
    text, message = asked.result()

    assert text == TEXT
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": TEXT}, CALLED]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (26, 7)


def test_the_asynchronous_client_is_served_alike(place):
    async def read():
        direct = anthropic.DefaultAsyncHttpxClient(trust_env=False)
        async with anthropic.AsyncAnthropic(base_url=place.server.url, api_key="none", http_client=direct) as client:
            whole = await client.messages.create(**ASKED)
            async with client.messages.stream(**ASKED) as stream:
                return whole.content[0].text, await stream.get_final_text()

    asked = place.asks(asyncio.run, read())
    place.answer("Blue.")
    place.answer(TEXT)

    assert asked.result() == ("Blue.", TEXT)


def test_a_tool_is_called_and_its_answer_is_told_to_the_model(place):
    client = place.client()
    asked = place.asks(client.messages.create, **ASKED, tools=[TOOL])
    request = place.answer(calls=[CALL])
    message = asked.result()
    turns = [
        QUESTION,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_x", "content": "Rain."}]},
    ]
    asked = place.asks(client.messages.create, **{**ASKED, "messages": turns}, tools=[TOOL])
    answered = place.answer("It rains.")

    assert request["tools"][0]["function"]["name"] == "get_weather"
    assert message.stop_reason == "tool_use"
    assert [block.to_dict() for block in message.content] == [CALLED]
    assert answered["messages"][1:] == [
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "Rain.", "tool_call_id": "call_x", "tool_name": "get_weather"},
    ]
    assert asked.result().content[0].text == "It rains."


class Sky(BaseModel):
    colour: str


def test_an_answer_of_a_shape_is_read_into_it(place):
    asked = place.asks(place.client().messages.parse, **ASKED, output_format=Sky)
    request = place.answer('{"colour": "blue"}')

    assert request["format"]["properties"]["colour"]["type"] == "string"
    assert asked.result().parsed_output == Sky(colour="blue")


def test_what_a_coding_agent_sends_is_answered(place):
    said = {
        "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "tools": [{**TOOL, "name": f"tool_{number}", "description": "Long. " * 500} for number in range(24)],
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "somebody"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "betas": ["context-management-2025-06-27", "interleaved-thinking-2025-05-14"],
    }

    def read():
        with place.client().beta.messages.stream(**ASKED, **said) as stream:
            return stream.get_final_message(), stream.response.headers

    asked = place.asks(read)
    request = place.answer("Mended.")
    message, headers = asked.result()

    assert len(request["tools"]) == 24
    assert message.content[0].text == "Mended."
    assert headers["X-Ignored"] == "context_management, thinking, output_config.effort"


# ---- errors ---------------------------------------------------------------------------------------------------------

FAILURES = {
    ErrorCode.MODEL_REFUSED: ("No such option.", anthropic.BadRequestError, "No such option."),
    ErrorCode.PROMPT_TOO_LONG: (
        "The prompt has 9000 tokens, the model's context holds 4096.",
        anthropic.BadRequestError,
        "prompt is too long: 9000 tokens > 4096 maximum",
    ),
    ErrorCode.ATTEMPTS_EXHAUSTED: ("It broke thrice.", anthropic.InternalServerError, "It broke thrice."),
    ErrorCode.TIMED_OUT: ("It took too long.", anthropic.InternalServerError, "It took too long."),
}


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_fails_raises_its_own_error_and_is_not_sent_again(place, code, stream):
    cause, raises, sentence = FAILURES[code]

    asked = place.asks(place.client(max_retries=2).messages.create, **ASKED, stream=stream)
    place.worker.queue.finish(place.claim(), Failed(cause=cause, code=code))
    error = asked.exception()

    assert type(error) is raises
    assert error.api_message == sentence
    assert error.request_id == error.body["request_id"]
    assert error.request_id == f"req_{error.response.headers['X-Prompt-Id'].replace('-', '')}"
    assert len(place.sent) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_somebody_else_cancels_raises_and_is_not_sent_again(place, stream):
    asked = place.asks(place.client(max_retries=2).messages.create, **ASKED, stream=stream)
    place.server.cancel(place.claim().prompt.id)
    error = asked.exception()

    assert (error.status_code, error.type) == (410, "api_error")
    assert len(place.sent) == 1


@pytest.mark.parametrize(
    ("fields", "raises", "kind"),
    [
        ({"model": "claude-opus-5-5"}, anthropic.NotFoundError, "not_found_error"),
        ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
        ({"extra_body": {"temperature": "hot"}}, anthropic.BadRequestError, "invalid_request_error"),
    ],
)
def test_what_cannot_be_asked_raises_at_once(place, fields, raises, kind):
    with pytest.raises(raises) as raised:
        place.client(max_retries=2).messages.create(**{**ASKED, **fields})

    assert raised.value.type == kind
    assert raised.value.request_id.startswith("req_")
    assert len(place.sent) == 1
    assert place.worker.queue.claim(place.worker.terms) is None


def test_a_full_queue_raises_and_says_when_to_come_again(serve, hire_at, until):
    server = serve("gevent", MAX_QUEUE_DEPTH=1)
    place = Place(server, hire_at(server.database_url), until)
    server.submit()

    with pytest.raises(anthropic.RateLimitError) as raised:
        place.client().messages.create(**ASKED)

    assert raised.value.type == "rate_limit_error"
    assert 0 < int(raised.value.response.headers["Retry-After"]) <= 59


def test_where_no_call_can_be_held_the_client_is_told_to_come_again(serve, hire_at, until):
    server = serve("gevent", MAX_STREAMS=1)
    place = Place(server, hire_at(server.database_url), until)
    first = place.asks(place.client().messages.create, **ASKED)
    claim = place.claim()

    with pytest.raises(anthropic.ServiceUnavailableError) as raised:
        place.client().messages.create(**ASKED)
    place.worker.finish(claim, record("Blue."))

    assert raised.value.type == "overloaded_error"
    assert raised.value.response.headers["x-should-retry"] == "true"
    assert 0 < int(raised.value.response.headers["Retry-After"]) <= 59
    assert first.result().content[0].text == "Blue."


def test_a_key_that_came_with_another_body_is_not_sent_again(place):
    client = place.client(max_retries=2, default_headers={"Idempotency-Key": uuid.uuid4().hex})
    asked = place.asks(client.messages.create, **ASKED)
    place.answer("Blue.")

    assert asked.result() == client.messages.create(**ASKED)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(**{**ASKED, "max_tokens": 7})
    assert len(place.sent) == 3


def test_a_body_that_is_too_large_raises(serve):
    server = serve("gevent", MAX_PROMPT_BYTES=1_000)

    with pytest.raises(anthropic.APIStatusError) as raised:
        Place(server, None, None).client().messages.create(**{**ASKED, "system": "x" * 2_000})

    assert (raised.value.status_code, raised.value.type) == (413, "request_too_large")


# ---- waiting --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lively(serve_all):
    """A server that beats ten times a second."""
    return serve_all("gevent", PATIENCE=0.1, WHOLE_PATIENCE=0.1)


@pytest.fixture
def slow(lively, hire_at, until):
    return Place(lively, hire_at(lively.database_url), until)


def test_whoever_waits_is_pinged_and_told_where_the_prompt_stands(slow):
    ahead = slow.server.submit()
    with slow.client().messages.with_streaming_response.create(**ASKED, stream=True) as answer:
        lines = answer.iter_lines()
        heard = [next(lines) for _ in range(20)]

        slow.server.cancel(ahead)
        slow.answer("Blue.")
        rest = list(lines)

    assert heard.count("event: ping") > 2
    assert any(line.startswith(": position 2") for line in heard)
    assert 'data: {"type":"message_stop"}' in rest


@pytest.mark.parametrize("stream", [False, True])
def test_a_wait_longer_than_the_clients_time_out_is_one_request(slow, stream):
    client = slow.client(timeout=4, max_retries=2)

    def read():
        if not stream:
            return client.messages.create(**ASKED).content[0].text
        with client.messages.stream(**ASKED) as events:
            return events.get_final_text()

    asked = slow.asks(read)
    claim = slow.claim()
    stays(lambda: not asked.done(), seconds=5)
    slow.worker.finish(claim, record("Blue."))

    assert asked.result() == "Blue."
    assert len(slow.sent) == 1


def test_a_stream_that_fails_after_its_first_words_raises(slow):
    heard = []

    def read():
        with slow.client(max_retries=2).messages.stream(**ASKED) as stream:
            heard.extend(stream.text_stream)

    asked = slow.asks(read)
    claim = slow.claim()
    slow.worker.speak(claim, "It scat")
    slow.until(lambda: heard, "the first words")
    slow.worker.queue.finish(claim, Failed(cause="It took too long.", code=ErrorCode.TIMED_OUT))
    error = asked.exception()

    assert isinstance(error, anthropic.APIStatusError)
    assert (error.type, error.api_message) == ("api_error", "It took too long.")
    assert len(slow.sent) == 1


def test_whoever_leaves_a_stream_cancels_the_prompt(slow):
    stream = slow.client().messages.create(**ASKED, stream=True)
    prompt_id = stream.response.headers["X-Prompt-Id"]

    stream.close()

    assert slow.server.until_status(prompt_id, "completed")["outcome"] == "cancelled"


@pytest.mark.parametrize("is_running", [False, True])
def test_whoever_leaves_before_a_whole_answer_cancels_the_prompt(place, is_running):
    left = threading.Event()

    async def ask():
        direct = anthropic.DefaultAsyncHttpxClient(trust_env=False)
        async with anthropic.AsyncAnthropic(base_url=place.server.url, api_key="none", http_client=direct) as client:
            asked = asyncio.create_task(client.messages.create(**ASKED))
            await asyncio.to_thread(left.wait)
            asked.cancel()

    asking = place.asks(asyncio.run, ask())
    claim = place.claim() if is_running else None
    place.until(lambda: is_running or place.server.queue()["queued"])
    left.set()
    asking.result()

    place.until(lambda: not any(place.server.queue()[each] for each in ("queued", "processing")), "nobody is served")
    assert claim is None or place.server.status(claim.prompt.id)["outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [False, True])
def test_whoever_waits_while_the_proxy_is_killed_gets_the_answer_of_the_same_prompt(serve, hire_at, until, stream):
    server = serve("gevent")
    place = Place(server, hire_at(server.database_url), until)
    client = place.client(max_retries=20)

    def read():
        if not stream:
            return client.messages.create(**ASKED)
        with client.messages.stream(**ASKED) as events:
            return events.get_final_message()

    asked = place.asks(read)
    prompt_id = place.claim().prompt.id
    for pid in [*server.workers, server.process.pid]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    serve("gevent", port=server.port, DATABASE_URL=server.database_url)
    place.until(lambda: len(place.sent) > 1, "it asks again")
    place.worker.leave()
    place.worker = hire_at(server.database_url)
    place.answer("Blue.")

    message = asked.result()
    assert message.id == f"msg_{prompt_id.replace('-', '')}"
    assert message.content[0].text == "Blue."
    assert place.worker.queue.counts().completed == 1


# ---- beside messages ------------------------------------------------------------------------------------------------


def test_tokens_are_counted_about_and_that_is_said(place):
    counted = place.client().messages.with_raw_response.count_tokens(
        model="llama3.2", messages=[QUESTION], system="Be brief.", tools=[TOOL]
    )

    assert 20 < counted.parse().input_tokens < 60
    assert counted.headers["X-Estimated"] == "true"


def test_tokens_of_another_model_are_not_counted(place):
    with pytest.raises(anthropic.NotFoundError):
        place.client().messages.count_tokens(model="claude-opus-5-5", messages=[QUESTION])


def test_models_are_listed_in_the_clients_own_shape(place):
    facts = {
        "version": "0.33.0",
        "tag": {"name": "llama3.2:latest", "modified_at": "2026-01-02T03:04:05Z"},
        "show": {},
        "context_length": 8192,
    }
    model = Model(name="llama3.2", state=ModelState.READY)
    place.worker.queue.describe_model(model, worker=place.worker.terms.worker, server="http://ollama", facts=facts)

    [listed] = place.until(lambda: place.client().models.list().data)

    assert (listed.id, listed.display_name, listed.max_tokens) == ("llama3.2:latest", "Llama 3.2", 8192)
    assert listed.created_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert place.client().models.retrieve("llama3.2").id == "llama3.2"
    with pytest.raises(anthropic.NotFoundError) as raised:
        place.client().models.retrieve("claude-opus-5-5")
    assert raised.value.type == "not_found_error"


def test_batches_are_not_there(place):
    with pytest.raises(anthropic.NotFoundError) as raised:
        place.client().messages.batches.list()

    assert raised.value.type == "not_found_error"
    assert raised.value.request_id == raised.value.body["request_id"]


def test_messages_are_only_posted(place):
    answer = place.server.get("/v1/messages")

    assert answer.status == 405
    assert "POST" in answer.headers["Allow"].split(", ")
    assert answer.json["error"]["type"] == "invalid_request_error"
