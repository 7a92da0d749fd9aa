"""Every refusal of a submission: its status, its code, the field that it names. None of them changes the queue."""

import gzip
import json

import pytest
from proxy.access import rules

WHY = {"prompt": "Why?"}
USER = {"role": "user", "content": "Hi"}


def nested(levels):
    value = 0
    for _ in range(levels):
        value = {"a": value}
    return value


INVALID = {
    # what is asked
    "nothing": ({}, "prompt"),
    "null for all": ({"prompt": None, "messages": None}, "prompt"),
    "both": ({"prompt": "Hi", "messages": [USER]}, "messages"),
    "blank": ({"prompt": " \t\n\u00a0"}, "prompt"),
    "empty": ({"prompt": ""}, "prompt"),
    "number": ({"prompt": 1}, "prompt"),
    "list": ({"prompt": ["Hi"]}, "prompt"),
    "true": ({"prompt": True}, "prompt"),
    "NUL": ({"prompt": "a\0b"}, "prompt"),
    "a megabyte of NUL": ({"prompt": "\0" * 150_000}, "prompt"),
    # messages
    "no list": ({"messages": {}}, "messages"),
    "no messages": ({"messages": []}, "messages"),
    "message is text": ({"messages": ["Hi"]}, "messages.0"),
    "no role": ({"messages": [{"content": "Hi"}]}, "messages.0.role"),
    "odd role": ({"messages": [{"role": "developer", "content": "Hi"}]}, "messages.0.role"),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content"),
    "content is number": ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    "content parts": ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content"),
    "silent assistant": ({"messages": [{"role": "assistant"}, USER]}, "messages.0.content"),
    "assistant without calls": ({"messages": [{"role": "assistant", "tool_calls": []}, USER]}, "messages.0.content"),
    "last word an assistant's": ({"messages": [USER, {"role": "assistant", "content": "Hi"}]}, "messages.1.role"),
    "last word the system's": ({"messages": [{"role": "system", "content": "Hi"}]}, "messages.0.role"),
    "blank last word": ({"messages": [{"role": "user", "content": " \n"}]}, "messages.0.content"),
    "images": ({"messages": [{**USER, "images": ["aGk="]}]}, "messages.0.images"),
    "images of a prompt": ({**WHY, "images": ["aGk="]}, "images"),
    "images that are none": ({**WHY, "images": [None]}, "images"),
    "images is text": ({**WHY, "images": ""}, "images"),
    "unknown in message": ({"messages": [{**USER, "name": "Bob"}]}, "messages.0.name"),
    "call without function": (
        {"messages": [{"role": "assistant", "tool_calls": [{}]}, USER]},
        "messages.0.tool_calls.0.function",
    ),
    "arguments as text": (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, USER]},
        "messages.0.tool_calls.0.function.arguments",
    ),
    "NUL in message": ({"messages": [{"role": "user", "content": "\0"}]}, "messages.0.content"),
    # system, format, tools
    "system is list": ({**WHY, "system": []}, "system"),
    "NUL in system": ({**WHY, "system": "\0"}, "system"),
    "odd format": ({**WHY, "format": "yaml"}, "format"),
    "format is true": ({**WHY, "format": True}, "format"),
    "format is no schema": ({**WHY, "format": {"type": "thing"}}, "format"),
    "format is a bad schema below": ({**WHY, "format": {"properties": {"a": {"minimum": "1"}}}}, "format"),
    "format is huge": ({**WHY, "format": {"description": "x" * 70_000}}, "format"),
    "tools is object": ({**WHY, "tools": {}}, "tools"),
    "tool of odd type": ({**WHY, "tools": [{"type": "search", "function": {"name": "f"}}]}, "tools.0.type"),
    "tool without function": ({**WHY, "tools": [{"type": "function"}]}, "tools.0.function"),
    "tool without name": ({**WHY, "tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
    "unknown in tool": ({**WHY, "tools": [{"type": "function", "function": {"name": "f"}, "x": 1}]}, "tools.0.x"),
    "parameters as text": (
        {**WHY, "tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
        "tools.0.function.parameters",
    ),
    # options
    "options is list": ({**WHY, "options": []}, "options"),
    "unknown option": ({**WHY, "options": {"mirostat": 1}}, "options.mirostat"),
    "text for number": ({**WHY, "options": {"temperature": "0.7"}}, "options.temperature"),
    "true for number": ({**WHY, "options": {"temperature": True}}, "options.temperature"),
    "text for whole number": ({**WHY, "options": {"seed": "1"}}, "options.seed"),
    "true for whole number": ({**WHY, "options": {"seed": True}}, "options.seed"),
    "too large for a double": ({**WHY, "options": {"seed": 2**53 + 2}}, "options.seed"),
    "too small for a double": ({**WHY, "options": {"top_k": -(2**53) - 2}}, "options.top_k"),
    "huge fraction": ({**WHY, "options": {"num_keep": 1e300}}, "options.num_keep"),
    "stop is number": ({**WHY, "options": {"stop": 5}}, "options.stop"),
    "stop holds number": ({**WHY, "options": {"stop": ["a", 5]}}, "options.stop.1"),
    "NUL in stop": ({**WHY, "options": {"stop": ["\0"]}}, "options.stop.0"),
    "stop is empty": ({**WHY, "options": {"stop": ""}}, "options.stop"),
    "stop holds nothing but the empty text": ({**WHY, "options": {"stop": [""]}}, "options.stop.0"),
    "stop holds the empty text": ({**WHY, "options": {"stop": ["a", ""]}}, "options.stop.1"),
    "NaN as text": ({**WHY, "options": {"top_p": "NaN"}}, "options.top_p"),
    # the rest
    "model is number": ({**WHY, "model": 3.2}, "model"),
    "odd priority": ({**WHY, "priority": "urgent"}, "priority"),
    "priority in capitals": ({**WHY, "priority": "BATCH"}, "priority"),
    "expires at once": ({**WHY, "expires_in": 0}, "expires_in"),
    "expired": ({**WHY, "expires_in": -1}, "expires_in"),
    "expires after a year": ({**WHY, "expires_in": 31_536_001}, "expires_in"),
    "expires as text": ({**WHY, "expires_in": "60"}, "expires_in"),
    "expires when true": ({**WHY, "expires_in": True}, "expires_in"),
    "no time": ({**WHY, "timeout": 0}, "timeout"),
    "more than a day": ({**WHY, "timeout": 86_401}, "timeout"),
    "metadata is text": ({**WHY, "metadata": "x"}, "metadata"),
    "metadata is list": ({**WHY, "metadata": []}, "metadata"),
    "metadata too large": ({**WHY, "metadata": {"": "x" * 4090}}, "metadata"),
    "NUL in metadata": ({**WHY, "metadata": {"a": ["\0"]}}, "metadata.a.0"),
    "NUL in a name": ({**WHY, "metadata": {"\0": 1}}, "metadata.\\u0000"),
    "stream is number": ({**WHY, "stream": 1}, "stream"),
    "stream is text": ({**WHY, "stream": "false"}, "stream"),
    "keep_alive is list": ({**WHY, "keep_alive": []}, "keep_alive"),
    "keep_alive is true": ({**WHY, "keep_alive": True}, "keep_alive"),
    "thinks": ({**WHY, "think": True}, "think"),
    "thinks high": ({**WHY, "think": "high"}, "think"),
    "thinks 0": ({**WHY, "think": 0}, "think"),
    "unknown": ({**WHY, "temperature": 0.7}, "temperature"),
    "suffix": ({**WHY, "suffix": "x"}, "suffix"),
    "suffix of white space": ({**WHY, "suffix": " "}, "suffix"),
    "template": ({**WHY, "template": "{{ .Prompt }}"}, "template"),
    "template is false": ({**WHY, "template": False}, "template"),
    "context": ({**WHY, "context": [1]}, "context"),
    "context is object": ({**WHY, "context": {}}, "context"),
    "raw": ({**WHY, "raw": True}, "raw"),
    "raw is 0": ({**WHY, "raw": 0}, "raw"),
    "truncate is text": ({**WHY, "truncate": "x"}, "truncate"),
    "shift is 0": ({**WHY, "shift": 0}, "shift"),
    "logprobs": ({**WHY, "logprobs": True}, "logprobs"),
    "top_logprobs": ({**WHY, "top_logprobs": 2}, "top_logprobs"),
    "top_logprobs is false": ({**WHY, "top_logprobs": False}, "top_logprobs"),
    "width": ({**WHY, "width": 5}, "width"),
    "height": ({**WHY, "height": 0.5}, "height"),
    "steps": ({**WHY, "steps": -1}, "steps"),
    "debug": ({**WHY, "_debug_render_only": True}, "_debug_render_only"),
    "debug by our own name": ({**WHY, "debug_render_only": False}, "debug_render_only"),
    "in capitals": ({"Prompt": "Why?"}, "Prompt"),
    # no object
    "text": ("Why?", None),
    "a list": ([WHY], None),
    "null": (None, None),
    "a number": (5, None),
    "true alone": (True, None),
} | {
    f"{name}": ({**WHY, "options": {name: 1}}, f"options.{name}")
    for name in (
        "num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "use_mlock", "num_thread", "numa", "low_vram",
        "draft_num_predict",
    )
} | {
    f"{name} beyond float32": ({**WHY, "options": {name: value}}, f"options.{name}")
    for name, value in (
        ("temperature", 1e39), ("temperature", 10**39), ("top_p", -1e39), ("min_p", 3.4028236e38), ("typical_p", 1e308),
        ("repeat_penalty", -3.4028236e38), ("presence_penalty", 1e39), ("frequency_penalty", 10**300),
    )
}  # fmt: skip

NO_JSON = {
    "empty": b"",
    "white space": b" \n",
    "text": b"prompt=Why",
    "cut": b'{"prompt": "Why?"',
    "twice": b'{"prompt": "Why?"} {"prompt": "Why?"}',
    "trailing comma": b'{"prompt": "Why?",}',
    "comment": b'{"prompt": "Why?"} // yes',
    "quotes": b"{'prompt': 'Why?'}",
    "NaN": b'{"prompt": "Why?", "options": {"seed": NaN}}',
    "Infinity": b'{"prompt": "Why?", "expires_in": Infinity}',
    "minus Infinity": b'{"prompt": "Why?", "expires_in": -Infinity}',
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"prompt": "Why?"}',
    "UTF-16": '{"prompt": "Why?"}'.encode("utf-16"),
    "Latin-1": '{"prompt": "für"}'.encode("latin-1"),
    "cut UTF-8": b'{"prompt": "\xf0\x9f\x8c"}',
    "CESU-8": b'{"prompt": "\xed\xa0\xbd\xed\xb8\x80"}',
    "half an escape of a surrogate": rb'{"prompt": "\ud83"}',
    "a lone surrogate and no end": rb'{"prompt": "\ud83d',
    "a lone surrogate and two NUL": b'{"prompt": "\\ud83d\0\0"}',
    "surrogates without end": b'{"prompt": "' + rb"\ud83d" * 20_001 + b'"}',
    "raw surrogates without end": b'{"prompt": "' + b"\xed\xa0\xbd" * 20_001 + b'"}',
    "raw NUL": b'{"prompt": "a\0b"}',
    "raw newline": b'{"prompt": "a\nb"}',
    "odd escape": rb'{"prompt": "\x41"}',
    "leading zero": b'{"prompt": "Why?", "timeout": 01}',
    "long number": b'{"prompt": "Why?", "timeout": ' + b"9" * 100_000 + b"}",
    "deep metadata": b'{"prompt": "Why?", "metadata": {"a":' + b"[" * 99 + b"]" * 99 + b"}}",
    "deep format": b'{"prompt": "Why?", "format": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}",
    "deep tools": b'{"prompt": "Why?", "tools": ' + b"[" * 100 + b"]" * 100 + b"}",
    "very deep": b"[" * 100_000,
    "very deep and closed": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.fixture(scope="module")
def send(gunicorn):
    """Send a request to a real Gunicorn; in the end its queue must be as empty as it was."""

    def send(method="POST", path="/api/v1/prompt", body=None, **headers):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        return gunicorn.call(method, path, data, **headers)

    before = gunicorn.get("/api/v1/queue").json
    yield send
    after = gunicorn.get("/api/v1/queue").json
    assert (after["queued"], after["processing"]) == (before["queued"], before["processing"]), "one was accepted"


@pytest.mark.parametrize("name", INVALID)
def test_a_field_that_is_not_as_it_may_be_is_refused_by_its_name(send, name):
    body, param = INVALID[name]

    answer = send(body=json.dumps(body).encode())

    error = answer.json["error"]
    assert answer.status == 400
    assert set(error) == {"code", "message", "type", "param"}
    assert (error["code"], error["type"], error["param"]) == ("invalid_request", "invalid_request_error", param)
    assert len(error["message"]) < 500


@pytest.mark.parametrize("name", NO_JSON)
def test_a_body_that_is_not_json_is_refused(send, name):
    answer = send(body=NO_JSON[name])

    assert (answer.status, answer.code, answer.json["error"]["param"]) == (400, "invalid_json", None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"prompt": "Why?"}'.encode("utf-16"), "UTF-16"),
        ('{"prompt": "Why?"}'.encode("utf-16-le"), "UTF-16"),
        ('{"prompt": "Why?"}'.encode("utf-16-be"), "UTF-16"),
        ('{"prompt": "Why?"}'.encode("utf-32"), "UTF-32"),
        ('{"prompt": "Why?"}'.encode("utf-32-be"), "UTF-32"),
        ('{"prompt": "für"}'.encode("cp1252"), "byte 13 is 0xFC, as in Windows-1252"),
        ('{"prompt": "Hello 😀"}'.encode()[:-3] + b'"}', "cut within a character"),
        (b'{"prompt": "\xed\xa0\xbd\xed\xb8\x80"}', "CESU-8"),
        (gzip.compress(b'{"prompt": "Why?"}', mtime=0), "gzip"),
        (b"'{prompt:hi}'", "cmd"),
        (b'\'{"prompt":"hi"}\'', "cmd"),
        (b"\\'{prompt:", "cmd"),
        (b"{prompt:hi}", "PowerShell"),
        (b"{prompt:", "PowerShell"),
        (b'{\\"prompt\\": \\"Why?\\"}', "backslashes"),
        (b"{\\'prompt\\': \\'Why?\\'}", "backslashes"),
        (b"{'prompt': 'Why?'}", "json.dumps"),
        ("{“prompt”: “Why?”}".encode(), "word processor"),
        (b"prompt=Why%3F", "form"),
        (b" \n", "empty"),
    ],
)
def test_the_refusal_says_what_probably_happened_to_the_body(send, body, words):
    answer = send(body=body)

    assert (answer.status, answer.code) == (400, "invalid_json")
    assert words in answer.json["error"]["message"]
    assert len(answer.json["error"]["message"]) <= 300


def test_an_encoding_that_the_content_type_names_is_named(send):
    body = '{"prompt": "なぜ"}'.encode("shift_jis")

    answer = send(body=body, Content_Type="application/json; charset=Shift_JIS")

    assert (answer.status, answer.code) == (400, "invalid_json")
    assert "'Shift_JIS'" in answer.json["error"]["message"]


def test_the_refusal_says_that_a_body_was_encoded_twice(send):
    answer = send(body=json.dumps(WHY))

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert "twice" in answer.json["error"]["message"]


def test_a_number_beyond_doubles_is_refused_by_its_name(send):
    answer = send(body=b'{"prompt": "Why?", "metadata": {"a": [1e999]}}')

    assert (answer.code, answer.json["error"]["param"]) == ("invalid_request", "metadata.a.0")


def test_options_that_reload_the_model_are_refused_with_the_reason(send):
    answer = send(body={**WHY, "options": {"num_ctx": 8192}})

    assert "for everybody" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("suffix", "x", "put it into the prompt"),
        ("template", "x", "own template"),
        ("context", [1], "messages"),
        ("images", ["aGk="], "no images"),
        ("logprobs", True, "probabilities"),
        ("width", 5, "no pictures"),
    ],
)
def test_what_ollama_knows_and_is_refused_is_refused_with_the_reason(send, field, value, why):
    assert why in send(body={**WHY, field: value}).json["error"]["message"]


def test_a_refusal_names_an_unknown_field_at_no_more_than_its_limit(send):
    answer = send(body={**WHY, "x" * 500_000: 1})

    assert len(answer.body) < 1000


@pytest.mark.parametrize("model", ["llama3.1", "llama3.2:1b", "LLAMA3.2", "", "llama3.2:latest:latest", " llama3.2"])
def test_another_model_is_refused(send, model):
    answer = send(body={**WHY, "model": model})

    assert (answer.status, answer.code, answer.json["error"]["param"]) == (422, "unsupported_model", "model")


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 15, "x" * 256, "with a space in it", "with-\u00fcml\u00e4uts-in-it", "x" * 20 + "\t" + "x"],
)
def test_an_idempotency_key_of_another_form_is_refused(send, key):
    answer = send(body=WHY, Idempotency_Key=key)

    assert (answer.status, answer.code, answer.json["error"]["param"]) == (400, "invalid_request", "Idempotency-Key")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity"])
def test_an_encoded_body_is_refused(send, coding):
    answer = send(body=b"\x1f\x8b", Content_Encoding=coding)

    assert (answer.status, answer.code, answer.json["error"]["param"]) == (400, "invalid_request", "Content-Encoding")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/api/v1/prompt/"),
        ("POST", "/API/V1/PROMPT"),
        ("GET", "/api/v1/prompt/nonsense/status"),
        ("GET", "/api/v1/prompt/nonsense/events"),
        ("GET", "/api/v1/prompt/{00000000-0000-4000-8000-000000000000}/status"),
        ("GET", "/api/v1/prompt/00000000000040008000000000000000/result"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/status"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/result"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/result?wait=10"),
        ("POST", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/cancel"),
        ("POST", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/retry"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000"),
        ("DELETE", "/api/v1/prompt/00000000-0000-4000-8000-000000000000"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-00000000000%D9%A0/status"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000%0A/status"),
        ("GET", "/api/v1/prompt/%00/status"),
        ("GET", "/api/v1/prompt/%FF%FE/status"),
        ("GET", "/api/v1/prompt/..%2f..%2fetc%2fpasswd/status"),
        ("GET", "/api/v1/prompt/../../../etc/passwd"),
        ("GET", "/api/v1/prompt/' OR 1=1 --/status".replace(" ", "%20")),
        ("GET", "/api/v1/prompt/" + "x" * 3000 + "/status"),
    ],
)
def test_what_is_not_there_is_not_found(send, method, path):
    answer = send(method, path)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/prompt", "OPTIONS, POST"),
        ("PUT", "/api/v1/prompt", "OPTIONS, POST"),
        ("PATCH", "/api/v1/prompt", "OPTIONS, POST"),
        ("TRACE", "/api/v1/prompt", "OPTIONS, POST"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("POST", "/readyz", "GET, HEAD, OPTIONS"),
        ("POST", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("DELETE", "/api/v1/queue", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v1/prompt/x/status", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v1/prompt/x/result", "GET, HEAD, OPTIONS"),
        ("PUT", "/api/v1/prompt/00000000-0000-4000-8000-000000000000", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/prompt/00000000-0000-4000-8000-000000000000/retry", "OPTIONS, POST"),
        ("BREW", "/api/v1/prompt/x/cancel", "OPTIONS, POST"),
    ],
)
def test_another_method_is_not_allowed(send, method, path, allowed):
    answer = send(method, path, WHY)

    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", allowed)


def test_a_full_queue_says_when_to_come_back(make_app, queue, worker):
    client = make_app(max_queue_depth=1).test_client()
    client.post("/api/v1/prompt", json=WHY)

    unknown = client.post("/api/v1/prompt", json=WHY)
    worker.answer()
    queue._database.run("UPDATE prompts SET ran_seconds = 42 WHERE status = 'completed'")
    client.post("/api/v1/prompt", json=WHY)
    known = make_app(max_queue_depth=1).test_client().post("/api/v1/prompt", json=WHY)
    queue.pause(True)
    paused = make_app(max_queue_depth=1).test_client().post("/api/v1/prompt", json=WHY)

    assert (unknown.status_code, unknown.json["error"]["code"]) == (429, "queue_full")
    assert unknown.json["error"]["type"] == "rate_limit_error"
    assert unknown.headers["Retry-After"] == "30"  # nothing is known yet
    assert known.headers["Retry-After"] == "42"  # as long as a prompt takes, not since when one was answered
    assert paused.headers["Retry-After"] == "30"  # and nothing will be answered


def test_a_mistake_of_ours_is_500_without_details(make_app, caplog, monkeypatch):
    app = make_app()
    monkeypatch.setitem(rules.RULES, "mistake", rules.ANYBODY)

    @app.get("/mistake")
    def mistake():
        raise ZeroDivisionError("secret")

    answer = app.test_client().get("/mistake")

    assert answer.status_code == 500
    assert answer.json["error"]["code"] == "internal_error"
    assert answer.json["error"]["type"] == "server_error"
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("bound", [{"max_stored_bytes": 1}, {"min_free_bytes": 2**60}])
def test_a_prompt_for_which_there_is_no_room_is_refused_with_503_and_the_time_of_the_next_erasing(make_app, bound):
    answer = make_app(**bound).test_client().post("/api/v1/prompt", json=WHY)

    assert (answer.status_code, answer.json["error"]["code"]) == (503, "storage_full")
    assert answer.headers["Retry-After"] == "60"
