"""POST /api/v1/prompt: what is accepted, and what the worker gets to read of it."""

import json

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import Priority

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "strict": None,
        "parameters": {"type": "object", "properties": {}, "default": None},
    },
}
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": None}, "index": 0}}


class Endless:
    """A body of so many bytes that counts how many were read."""

    def __init__(self, size):
        self._left = size
        self.read_so_far = 0

    def read(self, size):
        size = min(size, self._left)
        self._left -= size
        self.read_so_far += size
        return b"x" * size

    def close(self):
        """Be a stream."""


@pytest.fixture
def stored(client, queue):
    """Hand in a body; the request that the worker would read."""

    def stored(**body):
        answer = client.post("/api/v1/prompt", json=body)
        assert answer.status_code == 202, answer.text
        return queue.request(answer.json["id"])

    return stored


def test_an_accepted_prompt_has_an_id_a_place_in_line_and_links(client):
    answer = client.post("/api/v1/prompt", json={"prompt": "Why?"})

    prompt_id = answer.json["id"]
    here = f"/api/v1/prompt/{prompt_id}"
    assert answer.status_code == 202
    assert answer.json == {
        "id": prompt_id,
        "status": "queued",
        "position": 1,
        "links": {
            "status": f"{here}/status",
            "result": f"{here}/result",
            "events": f"{here}/events",
            "cancel": f"{here}/cancel",
        },
    }
    assert answer.headers["Location"] == f"{here}/status"
    assert answer.headers["X-Prompt-Id"] == prompt_id
    assert client.get(answer.headers["Location"]).json["id"] == prompt_id


def test_a_prompt_is_kept_as_it_is(stored):
    text = "  Zeile eins\n\tund \U0001f30d zwei  "

    assert stored(prompt=text) == {"prompt": text}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", None])
def test_a_body_is_read_as_json_whatever_its_content_type(client, content_type):
    answer = client.post("/api/v1/prompt", data=b'{"prompt": "Why?"}', content_type=content_type)

    assert answer.status_code == 202


def test_the_worker_reads_exactly_what_was_asked(stored):
    schema = {"type": "object", "properties": {"answer": {"type": "string", "default": None}}}

    request = stored(
        prompt="Why?", system="Be brief.", format=schema, options={"temperature": 1, "stop": ["\n"]}, tools=[TOOL]
    )

    assert request == {
        "prompt": "Why?",
        "system": "Be brief.",
        "format": schema,
        "options": {"temperature": 1.0, "stop": ["\n"]},
        "tools": [TOOL],
    }


def test_a_chat_reaches_the_worker_as_it_was_sent(stored):
    messages = [
        {"role": "system", "content": ""},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "Rain.", "tool_name": "weather", "tool_call_id": "1"},
    ]

    request = stored(messages=messages)

    del messages[2]["content"]
    assert request == {"messages": messages}


def test_a_null_is_as_good_as_nothing(stored):
    fields = "messages system format options tools model priority expires_in timeout metadata stream keep_alive think"

    assert stored(prompt="Why?", **dict.fromkeys(fields.split())) == {"prompt": "Why?"}
    assert stored(prompt="Why?", options={"seed": None}) == {"prompt": "Why?", "options": {}}


def test_a_null_is_as_good_as_nothing_also_where_a_value_would_be_refused(stored):
    message = {"role": "user", "content": "Why?"}

    assert stored(messages=[{**message, "images": None}], images=None) == {"messages": [message]}
    assert stored(prompt="Why?", options={"num_ctx": None, "num_gpu": None}) == {"prompt": "Why?", "options": {}}


@pytest.mark.parametrize(
    "ignored",
    [
        {"stream": True},
        {"stream": False},
        {"keep_alive": "5m"},
        {"keep_alive": -1},
        {"keep_alive": 0.5},
        {"think": False},
        {"suffix": ""},
        {"template": ""},
        {"context": []},
        {"raw": False},
        {"images": []},
        {"truncate": True},
        {"truncate": False},
        {"shift": True},
        {"shift": False},
        {"logprobs": False},
        {"top_logprobs": 0},
        {"width": 0, "height": 0, "steps": 0.0},
        {"_debug_render_only": False},
        {"format": "", "options": None, "tools": None},
    ],
)
def test_what_a_body_for_ollama_has_besides_is_ignored(stored, ignored):
    assert stored(prompt="Why?", model="llama3.2", **ignored) == {"prompt": "Why?"}


def test_a_message_as_ollamas_own_type_writes_it_is_read(stored):
    message = {"role": "user", "content": "Why?", "thinking": "", "tool_calls": [], "tool_name": "", "images": []}

    del (asked := dict(message))["images"]
    assert stored(messages=[message]) == {"messages": [asked]}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (rb'{"prompt": "Hello \ud83d"}', {"prompt": "Hello \ufffd"}),
        (rb'{"prompt": "\ude00 Hello"}', {"prompt": "\ufffd Hello"}),
        (rb'{"prompt": "\ude00\ud83d"}', {"prompt": "\ufffd\ufffd"}),
        (rb'{"prompt": "\uD83D\uD83D\uDE00\uDE00"}', {"prompt": "\ufffd\U0001f600\ufffd"}),
        (rb'{"prompt": "\ud83d\n\\\ud83d \\ud83d"}', {"prompt": "\ufffd\n\\\ufffd \\ud83d"}),
        (b'{"prompt": "Hello \xed\xa0\xbd"}', {"prompt": "Hello \ufffd"}),
        (
            rb'{"prompt": "x", "tools": [{"type": "function", "function": {"name": "\ud83d", "\udead": 1}}]}',
            {"prompt": "x", "tools": [{"type": "function", "function": {"name": "\ufffd", "\ufffd": 1}}]},
        ),
        (b'\xef\xbb\xbf{"prompt": "Why?"}', {"prompt": "Why?"}),
        (b'\xef\xbb\xbf \r\n{"prompt": "\\ud83d"}', {"prompt": "\ufffd"}),
    ],
)
def test_half_an_emoji_is_replaced_and_a_byte_order_mark_skipped(client, queue, body, asked):
    answer = client.post("/api/v1/prompt", data=body)

    assert answer.status_code == 202, answer.text
    assert queue.request(answer.json["id"]) == asked


def test_numbers_up_to_the_largest_of_float32_are_taken(stored):
    options = {"temperature": 3.4028234663852886e38, "top_p": -3.4028235e38, "min_p": 1e-300}

    assert stored(prompt="Why?", options=options)["options"] == options


@pytest.mark.parametrize("sent", [-1, 0, -0.5, 0.9])
def test_a_num_predict_of_nothing_means_the_default(stored, sent):
    assert stored(prompt="Why?", options={"num_predict": sent})["options"] == {}


@pytest.mark.parametrize("name", ["num_predict", "num_keep", "seed", "top_k", "repeat_last_n"])
def test_fractions_of_whole_numbers_are_cut_off(stored, name):
    options = stored(prompt="Why?", options={name: 40.9})["options"]

    assert json.dumps(options) == json.dumps({name: 40})


@pytest.mark.parametrize(
    "name", ["top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"]
)
def test_every_sampling_option_is_passed_on(stored, name):
    assert stored(prompt="Why?", options={name: 0.25})["options"] == {name: 0.25}


def test_a_single_stop_is_a_list_of_one(stored):
    assert stored(prompt="Why?", options={"stop": "END"})["options"] == {"stop": ["END"]}


@pytest.mark.parametrize(("sent", "read"), [("json", {"format": "json"}), ("", {})])
def test_a_format_of_json_is_passed_on_and_an_empty_one_is_none(stored, sent, read):
    assert stored(prompt="Why?", format=sent) == {"prompt": "Why?", **read}


def test_lane_deadlines_and_metadata_reach_the_queue(client, queue):
    fields = {"priority": "batch", "expires_in": 60, "timeout": 1.5, "metadata": {"mine": [1, None, {"a": "ü"}]}}

    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?", **fields}).json["id"]

    prompt = queue.get(prompt_id)
    assert prompt.priority is Priority.BATCH
    assert prompt.timeout == 1.5
    assert prompt.metadata == fields["metadata"]
    assert client.get(f"/api/v1/prompt/{prompt_id}/status").json["metadata"] == fields["metadata"]


def test_an_interactive_prompt_stands_before_those_of_the_batch_lane(client):
    client.post("/api/v1/prompt", json={"prompt": "Why?", "priority": "batch"})

    assert client.post("/api/v1/prompt", json={"prompt": "Why?"}).json["position"] == 1
    assert client.post("/api/v1/prompt", json={"prompt": "Why?", "priority": "batch"}).json["position"] == 3


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest"])
def test_the_model_may_be_named(client, name):
    assert client.post("/api/v1/prompt", json={"prompt": "Why?", "model": name}).status_code == 202


def test_the_model_is_the_one_that_the_worker_names(client, worker):
    worker.describe(Model(name="mistral", state=ModelState.READY))

    assert client.post("/api/v1/prompt", json={"prompt": "Why?", "model": "mistral:latest"}).status_code == 202
    refused = client.post("/api/v1/prompt", json={"prompt": "Why?", "model": "llama3.2"})
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "unsupported_model")


def test_metadata_of_four_kibibytes_is_accepted(client):
    metadata = {"": "ü" * ((4096 - len('{"":""}')) // 2) + "x"}

    assert client.post("/api/v1/prompt", json={"prompt": "Why?", "metadata": metadata}).status_code == 202


def test_a_body_of_exactly_the_limit_is_accepted_and_one_more_byte_is_not(make_app):
    client = make_app(max_prompt_bytes=100).test_client()
    body = b'{"prompt": "' + b"x" * (100 - 14) + b'"}'

    assert len(body) == 100
    assert client.post("/api/v1/prompt", data=body).status_code == 202
    assert client.post("/api/v1/prompt", data=body + b" ").status_code == 413


@pytest.mark.parametrize(("sent", "read"), [(3_000_000, 3_000_000), (50_000_000, 32 * 1024 * 1024)])
def test_what_is_too_large_is_read_to_its_end_within_reason(client, sent, read):
    stream = Endless(sent)

    as_gunicorn = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(sent)}
    answer = client.post("/api/v1/prompt", environ_overrides=as_gunicorn)

    assert answer.status_code == 413
    assert stream.read_so_far == pytest.approx(read, abs=300_000)


def test_a_value_nests_up_to_a_hundred_levels(client, queue):
    value = "deep"
    for _ in range(98):  # the body and the metadata are two more
        value = [value]

    accepted = client.post("/api/v1/prompt", json={"prompt": "Why?", "metadata": {"a": value}})
    refused = client.post("/api/v1/prompt", json={"prompt": "Why?", "metadata": {"a": [value]}})

    assert accepted.status_code == 202
    assert refused.json["error"]["code"] == "invalid_json"
    assert queue.counts().queued == 1
