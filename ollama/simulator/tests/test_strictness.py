"""What a real Ollama refuses, and how it reads what is odd: beside the recordings, in Go's own words."""

from typing import Any

import pytest

from simulator.client import Simulator

from .raw import Raw, ask

CHAT: dict[str, Any] = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]}
PROMPT: dict[str, Any] = {"model": "llama3.2", "prompt": "hi", "stream": False}
NO_OBJECT = "Value looks like object, but can't find closing '}' symbol"


def tool(**function: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **function}}]}


def having(properties: Any) -> dict[str, Any]:
    return tool(parameters={"type": "object", "properties": properties})


IN_PROPERTIES = "ToolFunctionParameters.tools.function.parameters.properties"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"tools": ["x"]}, "string into Go struct field ChatRequest.tools of type api.Tool"),
        ({"tools": [{"type": 5}]}, "number into Go struct field Tool.tools.type of type string"),
        ({"tools": [{"function": "x"}]}, "string into Go struct field Tool.tools.function of type api.ToolFunction"),
        (tool(name=5), "number into Go struct field ToolFunction.tools.function.name of type string"),
        (tool(description=5), "number into Go struct field ToolFunction.tools.function.description of type string"),
        (
            tool(parameters="x"),
            "string into Go struct field ToolFunction.tools.function.parameters of type api.ToolFunctionParameters",
        ),
        (
            tool(parameters={"required": "x"}),
            "string into Go struct field ToolFunctionParameters.tools.function.parameters.required of type []string",
        ),
        (having({"a": True}), f"bool into Go struct field {IN_PROPERTIES} of type api.ToolProperty"),
        (having({"a": {"type": 5}}), f"number into Go struct field {IN_PROPERTIES}.type of type []string"),
        (having({"a": {"type": ["string", 5]}}), f"number into Go struct field {IN_PROPERTIES}.type of type string"),
        (having({"a": {"enum": "x"}}), f"string into Go struct field {IN_PROPERTIES}.enum of type []interface {{}}"),
        (
            having({"a": {"anyOf": [{"type": 5}]}}),
            f"number into Go struct field {IN_PROPERTIES}.anyOf.type of type []string",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": "x"}]}]},
            "string into Go struct field ChatRequest.messages.tool_calls.function of type api.ToolCallFunction",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 5}}]}]},
            "number into Go struct field ChatRequest.messages.tool_calls.function.name of type string",
        ),
    ],
    ids=str,
)
def test_what_is_no_tool_is_refused_in_gos_words(simulator: Simulator, asked: dict[str, Any], words: str) -> None:
    reply = ask(simulator.port, "/api/chat", CHAT | asked)

    assert (reply.code, reply.json) == (400, {"error": f"json: cannot unmarshal {words}"})


@pytest.mark.parametrize(
    "asked",
    [having("x"), {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": 5}}]}]}],
    ids=str,
)
def test_what_is_no_map_is_refused_in_its_parsers_words(simulator: Simulator, asked: dict[str, Any]) -> None:
    reply = ask(simulator.port, "/api/chat", CHAT | asked)

    assert (reply.code, reply.json) == (400, {"error": NO_OBJECT})


@pytest.mark.parametrize(
    "asked",
    [
        {"tools": [None]},
        tool(),
        tool(parameters=None),
        tool(parameters={"properties": {"a": {"type": ["string", "null"], "enum": [1, "x"], "odd": 5}}}),
        tool(parameters={"properties": {"a": None}, "required": [None]}),
        {"messages": [None, {"role": "user", "content": "hi"}]},
    ],
    ids=str,
)
def test_what_is_a_tool_or_nothing_at_all_is_taken(simulator: Simulator, asked: dict[str, Any]) -> None:
    assert ask(simulator.port, "/api/chat", CHAT | asked).code == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"options": {"repeat_penalty": 0}}, 400),
        ({"images": [None]}, 400),
        ({"template": "{{ nonsense .Prompt }}"}, 500),
        ({"context": [128_256]}, 500),
        ({"context": [-1]}, 500),
    ],
    ids=str,
)
def test_what_a_real_one_refuses_is_refused(simulator: Simulator, asked: dict[str, Any], status: int) -> None:
    reply = ask(simulator.port, "/api/generate", PROMPT | asked)

    assert reply.code == status
    assert reply.json["error"]


def test_a_function_that_no_template_knows_is_named(simulator: Simulator) -> None:
    good = '{{ if .System }}{{ .System }}{{ end }}{{/* words */}}{{ json .Prompt }}{{ print "nonsense" }}'

    assert ask(simulator.port, "/api/generate", PROMPT | {"template": good}).code == 200
    reply = ask(simulator.port, "/api/generate", PROMPT | {"template": good + "\n{{ nonsense .Prompt }}"})
    assert reply.json == {"error": 'template: :2: function "nonsense" not defined'}


def test_an_empty_stop_ends_the_answer_at_once(simulator: Simulator) -> None:
    reply = ask(simulator.port, "/api/generate", PROMPT | {"options": {"stop": [""]}})

    assert (reply.code, reply.json["response"], reply.json["done_reason"]) == (200, "", "stop")


@pytest.mark.parametrize("body", [b"{}", b'{"model":""}', b"null"])
def test_a_deletion_of_nothing_is_refused(simulator: Simulator, body: bytes) -> None:
    with Raw(simulator.port) as raw:
        raw.request("DELETE", "/api/delete", body)
        reply = raw.reply()

    assert (reply.code, reply.json) == (400, {"error": 'name "" is invalid'})


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (b"1.", "invalid character '}' after decimal point in numeric literal"),
        (b"1.e", "invalid character 'e' after decimal point in numeric literal"),
        (b"1e", "invalid character '}' in exponent of numeric literal"),
        (b"1e+", "invalid character '}' in exponent of numeric literal"),
        (b"01", "invalid character '1' after object key:value pair"),
        (b"1.5.5", "invalid character '.' after object key:value pair"),
        (b"-", "invalid character '}' in numeric literal"),
        (b".5", "invalid character '.' looking for beginning of value"),
    ],
)
def test_a_number_that_is_none_is_refused_in_gos_words(simulator: Simulator, number: bytes, words: str) -> None:
    with Raw(simulator.port) as raw:
        raw.request("POST", "/api/generate", b'{"x":' + number + b"}")
        reply = raw.reply()

    assert (reply.code, reply.json) == (400, {"error": words})


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        (b"zz\r\n{}\r\n0\r\n\r\n", "invalid byte in chunk length"),
        (b"\r\n{}\r\n0\r\n\r\n", "empty hex number for chunk length"),
        (b"11111111111111111\r\n{}\r\n0\r\n\r\n", "http chunk length too large"),
        (b"1\r\n{}\r\n0\r\n\r\n", "malformed chunked encoding"),
    ],
)
def test_chunks_that_are_none_are_refused_in_gos_words(simulator: Simulator, chunks: bytes, words: str) -> None:
    with Raw(simulator.port) as raw:
        raw.send(
            b"POST /api/generate HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n%b"
            % (raw.host.encode(), chunks)
        )
        reply = raw.reply()

    assert (reply.code, reply.json) == (400, {"error": words})
    assert reply.header("Connection") == "close"


def test_what_is_wrong_behind_the_body_is_never_noticed(simulator: Simulator) -> None:
    body = b'{"model":"llama3.2","prompt":"hi","stream":false}'
    with Raw(simulator.port) as raw:
        raw.send(
            b"POST /api/generate HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\nzz\r\n"
            % (raw.host.encode(), len(body), body)
        )

        assert raw.reply().code == 200


def test_a_coding_that_go_does_not_know_is_not_implemented(simulator: Simulator) -> None:
    with Raw(simulator.port) as raw:
        raw.request("POST", "/api/generate", headers={"Transfer-Encoding": "gzip"})
        reply = raw.reply()

    assert (reply.code, reply.body) == (501, b"Unsupported transfer encoding")


def test_options_of_everything_are_answered(simulator: Simulator) -> None:
    with Raw(simulator.port) as raw:
        raw.request("OPTIONS", "*")
        reply = raw.reply()

    assert (reply.code, reply.body, reply.header("Content-Length")) == (200, b"", "0")


def test_a_folded_header_is_one(simulator: Simulator) -> None:
    with Raw(simulator.port) as raw:
        raw.send(f"GET /api/version HTTP/1.1\r\nHost: {raw.host}\r\nX-Long: one\r\n\ttwo\r\n\r\n".encode())

        assert raw.reply().code == 200


@pytest.mark.parametrize("path", ["/api/../api/version", "/api/./version", "//api/version", "/x/../api/version"])
def test_a_path_with_detours_is_redirected_to_the_straight_one(simulator: Simulator, path: str) -> None:
    with Raw(simulator.port) as raw:
        raw.request("GET", path)
        reply = raw.reply()

    assert (reply.code, reply.header("Location")) == (307, "/api/version")
