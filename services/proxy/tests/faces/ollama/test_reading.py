"""What is read of /api/generate and /api/chat, and what is refused before anything is queued, in Ollama's words."""

import pytest
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.ollama.reading.question import CHAT, GENERATE, Load, read

LONGEST = 4096
HI = [{"role": "user", "content": "hi"}]
CALL = {"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"a": [1]}}}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
A_TURN = [
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "4", "tool_name": "f", "tool_call_id": "call_1"},
]


def _read(body, endpoint):
    return read(body, endpoint, answers="llama3.2", longest=LONGEST)


def generate(**fields):
    return _read({"model": "llama3.2", "prompt": "hi", **fields}, GENERATE)


def chat(**fields):
    return _read({"model": "llama3.2", "messages": HI, **fields}, CHAT)


def refusal(body, endpoint):
    with pytest.raises(InvalidAsked) as refused:
        _read(body, endpoint)
    return refused.value


def test_a_prompt_is_asked_in_neutral_words_and_with_a_limit():
    asked = generate()

    assert asked == Asked(
        request={"prompt": "hi", "options": {"num_predict": LONGEST}, "truncate": False},
        echo={"model": "llama3.2"},
        streams=True,
    )


def test_a_chat_slides_over_its_oldest_messages_as_ollamas_own_does():
    assert chat().request == {"messages": HI, "options": {"num_predict": LONGEST}, "truncate": True}


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"system": "be brief"}, {"system": "be brief"}),
        ({"template": "{{ .Prompt }}"}, {"template": "{{ .Prompt }}"}),
        ({"raw": True}, {"raw": True}),
        ({"format": "json"}, {"format": "json"}),
        ({"format": {}}, {"format": {}}),
        ({"format": {"type": "object"}}, {"format": {"type": "object"}}),
        ({"truncate": True}, {"truncate": True}),
        ({"options": {"num_predict": 5.7, "seed": 1}}, {"options": {"num_predict": 5, "seed": 1}}),
        ({"PROMPT": "HI"}, {"prompt": "HI"}),
        ({"options": {"num_predict": 1e30, "seed": -1e30}}, {"options": {"num_predict": 2**31 - 1, "seed": -(2**53)}}),
    ],
)
def test_what_the_model_heeds_is_passed_on(fields, request_):
    asked = {"prompt": "hi", "options": {"num_predict": LONGEST}, "truncate": False}

    assert generate(**fields).request == {**asked, **request_}


@pytest.mark.parametrize(
    ("messages", "passed"),
    [
        (HI, HI),
        (A_TURN, A_TURN),
        ([{"role": "wizard", "content": "hi"}], [{"role": "wizard", "content": "hi"}]),
        ([{"role": "user"}], [{"content": "", "role": "user"}]),
        ([{"role": "user", "content": None}], [{"content": "", "role": "user"}]),
        ([{"content": "hi"}], [{"role": "", "content": "hi"}]),
        ([{"role": "assistant", "content": "b", "thinking": "hm"}], [{"content": "b", "role": "assistant"}]),
        ([{"role": "user", "content": "a", "images": [], "x": 1}], [{"content": "a", "role": "user"}]),
        ([None], [{"role": "", "content": ""}]),
        ([{"Role": "user", "CONTENT": "a"}], [{"content": "a", "role": "user"}]),
    ],
)
def test_messages_are_passed_on_as_ollama_reads_them(messages, passed):
    assert chat(messages=messages).request["messages"] == passed


def test_tools_are_passed_on_and_none_are_no_tools():
    assert chat(tools=[TOOL]).request["tools"] == [TOOL]
    for none in ([], None):
        assert "tools" not in chat(tools=none).request


@pytest.mark.parametrize(
    "fields",
    [
        {"system": ""}, {"template": ""}, {"suffix": ""}, {"raw": False}, {"format": ""}, {"format": None},
        {"think": False}, {"think": None}, {"images": []}, {"images": None}, {"context": []}, {"context": None},
        {"options": None}, {"options": {}}, {"options": {"nonsense": 1, "Num_Predict": 3}},
        {"options": {"temperature": None}}, {"options": {"num_predict": 0}}, {"options": {"num_predict": -1}},
        {"logprobs": False}, {"top_logprobs": 0}, {"_debug_render_only": False}, {"shift": False}, {"keep_alive": None},
        {"tools": [TOOL]}, {"messages": HI}, {"nonsense": {"a": [1]}}, {"width": 5}, {"truncate": None},
        {"stream": None},
    ],
)  # fmt: skip
def test_what_says_nothing_changes_nothing(fields):
    assert generate(**fields) == generate()


def test_what_would_load_the_model_anew_is_dropped_and_named():
    options = {"num_ctx": 8192, "num_thread": 4, "num_gpu": None, "mirostat": 1, "use_mlock": True, "top_k": 3}

    asked = generate(options=options, keep_alive="5m")

    assert asked.request["options"] == {"top_k": 3, "num_predict": LONGEST}
    assert asked.ignored == ("num_ctx", "num_thread", "use_mlock", "keep_alive")


@pytest.mark.parametrize(
    "name",
    ["llama3.2:latest", "LLAMA3.2", "library/llama3.2", "registry.ollama.ai/library/llama3.2:latest", "llama3.2 "],
)
def test_every_name_of_the_model_is_taken_and_repeated_as_it_was_written(name):
    assert generate(model=name).echo == {"model": name}
    assert chat(model=name).echo == {"model": name}


def test_a_client_that_wants_no_stream_gets_none():
    assert generate(stream=False).streams is False


@pytest.mark.parametrize("question", [{"prompt": ""}, {"prompt": None}, {"messages": HI, "prompt": None}])
@pytest.mark.parametrize(
    ("keep_alive", "unloads"),
    [({}, False), ({"keep_alive": "5m"}, False), ({"keep_alive": -1}, False)]
    + [({"keep_alive": zero}, True) for zero in (0, 0.0, "0", "0s", "-0", "0h0m")],
)  # fmt: skip
def test_an_empty_prompt_only_loads_or_unloads(question, keep_alive, unloads):
    assert generate(**question, **keep_alive) == Load(model="llama3.2", unloads=unloads)


@pytest.mark.parametrize("messages", [[], None])
def test_so_does_a_chat_without_messages(messages):
    assert chat(messages=messages) == Load(model="llama3.2", unloads=False)
    assert chat(messages=messages, keep_alive=0) == Load(model="llama3.2", unloads=True)


A_STRING = "json: cannot unmarshal number into Go struct field GenerateRequest.{} of type string"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": 5}, A_STRING.format("prompt")),
        ({"system": 5}, A_STRING.format("system")),
        ({"template": 5}, A_STRING.format("template")),
        ({"model": 5}, A_STRING.format("model")),
        ({"format": {"type": "nonsense"}}, "invalid JSON schema in format: type is not allowed there"),
        ({"format": {"anyOf": [{}] * 501}}, "invalid JSON schema in format: it has more than 500 subschemas"),
        ({"stream": "no"}, "json: cannot unmarshal string into Go struct field GenerateRequest.stream of type bool"),
        ({"context": 1}, "json: cannot unmarshal number into Go struct field GenerateRequest.context of type []int"),
        (
            {"options": []},
            "json: cannot unmarshal array into Go struct field GenerateRequest.options of type map[string]interface {}",
        ),
        ({"options": {"temperature": "hot"}}, 'option "temperature" must be of type float32'),
        ({"options": {"temperature": True}}, 'option "temperature" must be of type float32'),
        ({"options": {"temperature": 1e39}}, 'option "temperature" is larger than a float32 can hold'),
        ({"options": {"num_predict": "5"}}, 'option "num_predict" must be of type integer'),
        ({"options": {"num_ctx": "2048"}}, 'option "num_ctx" must be of type integer'),
        ({"options": {"use_mmap": "x"}}, 'option "use_mmap" must be of type boolean'),
        ({"options": {"stop": "a"}}, 'option "stop" must be of type array'),
        ({"options": {"stop": [1]}}, 'option "stop" must be of an array of strings'),
        ({"options": {"stop": [""]}}, 'option "stop" holds an empty text, which would end every answer at once'),
        ({"format": "xml"}, r'invalid format: "\"xml\""; expected "json" or a valid JSON Schema object'),
        ({"format": 5}, 'invalid format: "5"; expected "json" or a valid JSON Schema object'),
        ({"format": True}, 'invalid format: "true"; expected "json" or a valid JSON Schema object'),
        ({"keep_alive": "-1"}, 'time: missing unit in duration "-1"'),
        ({"keep_alive": ""}, 'time: invalid duration ""'),
        ({"keep_alive": "5 minutes"}, 'time: unknown unit " minutes" in duration "5 minutes"'),
        ({"keep_alive": True}, "Unsupported type: 'bool'"),
        ({"keep_alive": {}}, "Unsupported type: 'map[string]interface {}'"),
        ({"keep_alive": []}, "Unsupported type: '[]interface {}'"),
        ({"think": True}, '"llama3.2" does not support thinking'),
        ({"think": "high"}, '"llama3.2" does not support thinking'),
        ({"think": 1}, 'think must be a boolean or string ("high", "medium", "low", "max", true, or false)'),
        ({"think": "x"}, 'invalid think value: "x" (must be "high", "medium", "low", "max", true, or false)'),
        ({"suffix": "x"}, "registry.ollama.ai/library/llama3.2:latest does not support insert"),
        ({"images": ["aa"]}, "Multimodal data provided, but model does not support multimodal requests."),
        ({"raw": True, "system": "x"}, "raw mode does not support template, system, or context"),
        ({"raw": True, "context": [1]}, "raw mode does not support template, system, or context"),
        ({"context": [1, 2]}, "context is not kept; use /api/chat"),
        ({"top_logprobs": 21}, "top_logprobs must be between 0 and 20"),
        ({"logprobs": True}, "logprobs is not supported"),
        ({"_debug_render_only": True}, "_debug_render_only is not supported"),
        ({"model": "a b"}, "invalid model name"),
        ({"model": "llama3.2:"}, "invalid model name"),
        ({"model": "../x"}, "invalid model name"),
        ({"model": "a/b/c/llama3.2"}, "invalid model name"),
    ],
)
def test_what_cannot_be_is_refused_in_ollamas_words(fields, words):
    refused = refusal({"model": "llama3.2", "prompt": "hi", **fields}, GENERATE)

    assert (str(refused), refused.failure.kind) == (words, Kind.INVALID)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"messages": "hi"},
            "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message",
        ),
        (
            {"messages": ["hi"]},
            "json: cannot unmarshal string into Go struct field ChatRequest.messages of type api.Alias",
        ),
        (
            {"messages": [{"role": 5}]},
            "json: cannot unmarshal number into Go struct field ChatRequest.messages.role of type string",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
            "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            "Value looks like object, but can't find closing '}' symbol",
        ),
        (
            {"messages": [{"role": "user", "content": "hi", "images": ["aa"]}]},
            "Multimodal data provided, but model does not support multimodal requests.",
        ),
        ({"tools": "x"}, "json: cannot unmarshal string into Go struct field ChatRequest.tools of type api.Tools"),
        ({"tools": ["x"]}, "json: cannot unmarshal string into Go struct field ChatRequest.tools of type api.Tool"),
        ({"tools": [None]}, "json: cannot unmarshal null into Go struct field ChatRequest.tools of type api.Tool"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [None]}]},
            "json: cannot unmarshal null into Go struct field ChatRequest.messages.tool_calls of type api.ToolCall",
        ),
    ],
)
def test_so_is_what_a_chat_cannot_hold(fields, words):
    assert str(refusal({"model": "llama3.2", "messages": HI, **fields}, CHAT)) == words


@pytest.mark.parametrize(("body", "kind"), [([], "array"), ("hi", "string"), (5, "number"), (True, "bool")])
def test_a_body_that_is_no_object_is_refused(body, kind):
    assert str(refusal(body, GENERATE)) == f"json: cannot unmarshal {kind} into Go value of type api.GenerateRequest"
    assert str(refusal(body, CHAT)) == f"json: cannot unmarshal {kind} into Go value of type api.ChatRequest"


@pytest.mark.parametrize("body", [None, {}, {"model": ""}, {"model": None, "prompt": "hi"}, {"name": "llama3.2"}])
def test_without_a_model_each_endpoint_says_what_ollama_says_there(body):
    nothing, required = refusal(body, GENERATE), refusal(body, CHAT)

    assert (str(nothing), nothing.failure.kind) == ("model '' not found", Kind.UNKNOWN_MODEL)
    assert (str(required), required.failure.kind) == ("model is required", Kind.INVALID)


@pytest.mark.parametrize(
    "model", ["nope", "llama3.2:1b", "llama3.2:cloud", "else/llama3.2", "a.example/library/llama3.2"]
)
@pytest.mark.parametrize("endpoint", [GENERATE, CHAT])
def test_another_model_is_not_found_whatever_is_asked_of_it(endpoint, model):
    for rest in ({}, {"prompt": "hi", "messages": HI}, {"keep_alive": 0}):
        refused = refusal({"model": model, **rest}, endpoint)

        assert (str(refused), refused.failure.kind) == (f"model '{model}' not found", Kind.UNKNOWN_MODEL)
