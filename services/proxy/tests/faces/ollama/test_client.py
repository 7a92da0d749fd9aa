"""What Ollama's own client for Python makes of the whole product, directly and through nginx."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.waiting import until

with pytest.MonkeyPatch.context() as patch:  # it makes a client at once, whose httpx takes [::1] for no address
    patch.setenv("NO_PROXY", "127.0.0.1")
    patch.setenv("no_proxy", "127.0.0.1")
    import ollama

WORDS = "one two three four five six"  # which the simulator answers
HI = [{"role": "user", "content": "hi"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def client(door, simulator):
    return ollama.Client(door.url, trust_env=False)


def newest(stack):
    """The status of the prompt that was asked last."""
    return json.loads(stack.operate("list", "--json", "--limit", "1").stdout)["prompts"][0]


def test_a_prompt_and_a_chat_are_answered_whole_and_streamed(client):
    whole = client.generate("llama3.2", "hi")
    streamed = list(client.generate("llama3.2", "hi", stream=True))
    chat = client.chat("llama3.2", HI)
    chatted = list(client.chat("llama3.2", HI, stream=True))

    assert whole.response == "".join(each.response for each in streamed) == WORDS
    assert chat.message.content == "".join(each.message.content for each in chatted) == WORDS
    assert (whole.done, whole.done_reason, whole.eval_count) == (True, "stop", 7)
    for last in (streamed[-1], chatted[-1]):
        assert (last.done, last.done_reason, last.eval_count) == (True, "stop", 7)


def test_so_they_are_for_a_client_that_does_not_block(door, simulator):
    async def ask():
        client = ollama.AsyncClient(door.url, trust_env=False)
        whole = await client.generate("llama3.2", "hi")
        pieces = [each.message.content async for each in await client.chat("llama3.2", HI, stream=True)]
        return whole.response, "".join(pieces)

    with ThreadPoolExecutor() as apart:  # for this thread may have a browser's loop that runs
        assert apart.submit(asyncio.run, ask()).result() == (WORDS, WORDS)


def test_tools_are_called_and_their_results_are_answered(client, simulator):
    call = {"name": "weather", "arguments": {"city": "Paris"}}
    for stream in (False, True):
        simulator.say({"turn": 0, "tool_calls": [call]}, {"turn": 1, "text": "It rains."})
        asked = client.chat("llama3.2", HI, tools=[TOOL], stream=stream)
        records = list(asked) if stream else [asked]

        [called] = [each for record in records for each in record.message.tool_calls or ()]
        assert (called.function.name, called.function.arguments) == ("weather", {"city": "Paris"})
        history = [*HI, {"role": "assistant", "content": "", "tool_calls": [called]}]
        history.append({"role": "tool", "content": "rain", "tool_name": "weather"})
        assert client.chat("llama3.2", history, tools=[TOOL]).message.content == "It rains."


def test_an_answer_fits_the_schema_that_it_was_asked_in(client):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

    assert json.loads(client.generate("llama3.2", "hi", format=schema).response) == {"a": 7}
    assert json.loads(client.chat("llama3.2", HI, format="json").message.content)


def test_options_are_heeded_and_those_that_would_load_the_model_anew_are_not(client, simulator):
    answer = client.generate("llama3.2", "hi", options={"num_predict": 2, "num_ctx": 9}, keep_alive=0)

    assert (answer.response, answer.done_reason) == ("one two", "length")
    assert simulator.call(1)["body"]["options"] == {"num_predict": 2}
    assert "keep_alive" not in simulator.call(1)["body"]


def test_the_model_is_listed_shown_loaded_and_pulled(client):
    [listed] = client.list().models
    assert listed.model == "llama3.2:latest"
    assert listed.details.family == "llama"
    assert client.show("LLAMA3.2").capabilities == ["completion", "tools"]
    assert [each.model for each in client.ps().models] == ["llama3.2:latest"]
    assert client.pull("llama3.2").status == "success"
    assert [each.status for each in client.pull("llama3.2", stream=True)] == ["pulling manifest", "success"]


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        (lambda client: client.generate("nope", "hi"), 404, "model 'nope' not found"),
        (lambda client: client.chat("nope", HI), 404, "model 'nope' not found"),
        (lambda client: client.show("nope"), 404, "model 'nope:latest' not found"),
        (lambda client: client.generate("llama3.2", "hi", think=True), 400, '"llama3.2" does not support thinking'),
        (lambda client: client.generate("llama3.2", "x" * 5000), 400, "5034 tokens"),
        (lambda client: list(client.generate("llama3.2", "x" * 5000, stream=True)), 400, "5034 tokens"),
        (lambda client: client.delete("llama3.2"), 403, "models are managed by whoever runs this server"),
        (lambda client: client.create("new", from_="llama3.2"), 403, "models are managed by whoever runs this server"),
        (lambda client: client.embed("llama3.2", "hi"), 501, "This server does not support embeddings."),
        (lambda client: client.pull("nope"), 500, "pull model manifest: file does not exist"),
    ],
)
def test_what_is_refused_is_its_own_error_with_its_status(client, ask, status, words):
    with pytest.raises(ollama.ResponseError) as refused:
        ask(client)

    assert refused.value.status_code == status
    assert words in refused.value.error


def test_a_chat_that_is_too_long_slides_and_a_prompt_may(client):
    history = [{"role": "user", "content": "x" * 5000}, {"role": "assistant", "content": "b"}, *HI]

    assert client.chat("llama3.2", history).message.content == WORDS


def test_who_waits_in_line_hears_of_its_place_and_gets_the_whole_answer(client, stack, simulator):
    simulator.fault("hang_before_first_token", match="first")
    first = stack.submit("the first")
    simulator.wait_for("started", 1)

    records = client.generate("llama3.2", "the second", stream=True)
    waiting = [next(records) for _ in range(3)]
    stack.cancel(first)

    assert [(each.response, each.done) for each in waiting] == [("", False)] * 3
    assert "".join(each.response for each in records) == WORDS
    assert len(simulator.calls()) == 2


def test_an_answer_that_has_to_be_begun_anew_after_some_text_is_an_error_and_never_a_short_one(client, simulator):
    simulator.fault("hang_between_tokens", after=3)
    records = client.generate("llama3.2", "hi", stream=True)
    came = [next(each.response for each in records if each.response)]

    simulator.reset()  # which cuts it off

    with pytest.raises(ollama.ResponseError):
        came += (each.response for each in records if not each.done or pytest.fail("it ends as if it were whole"))
    assert "one two three".startswith("".join(came))


def test_one_that_was_not_begun_is_tried_again_unseen(client, simulator):
    simulator.fault("error_line", after=0)

    assert "".join(each.response for each in client.generate("llama3.2", "hi", stream=True)) == WORDS
    assert len(simulator.calls()) == 2


@pytest.mark.parametrize("is_running", [False, True])
def test_who_leaves_has_its_prompt_cancelled_and_the_model_is_free(client, stack, simulator, is_running):
    simulator.fault("hang_between_tokens" if is_running else "hang_before_first_token")
    first = None if is_running else stack.submit("what is ahead")
    if first:
        simulator.wait_for("started", 1)

    records = client.generate("llama3.2", "hi", stream=True)
    next(records)
    if is_running:
        simulator.wait_for_tokens(1, 3)
    records.close()

    until(lambda: newest(stack)["outcome"] == "cancelled", "it is cancelled")
    if is_running:
        assert simulator.wait_for_end(1)["end"] == "client_closed"
    else:
        stack.cancel(first)
        assert len(simulator.calls()) == 1
