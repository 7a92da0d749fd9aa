"""What a message looks like, whole and as events: as the official package's own types have it."""

import json
import re
from types import SimpleNamespace

import pytest
from anthropic.types import ErrorResponse, Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from promptqueue.wire import text_of
from proxy.calls.answer import Answer
from proxy.calls.failure import Failure, Kind
from proxy.calls.writer import Standing
from proxy.faces.anthropic import errors
from proxy.faces.anthropic.writing import MessageWriter
from pydantic import TypeAdapter

PROMPT = "0199a3c4-5d6e-7f80-91a2-b3c4d5e6f708"
HEX = PROMPT.replace("-", "")
EVENT = TypeAdapter(RawMessageStreamEvent)
CALL = {"id": "call_x", "function": {"name": "get_weather", "arguments": {"city": "Oslø\u2028"}}}
NAMELESS = {"function": {"name": "now", "arguments": {}}}
BLOCK = {"type": "tool_use", "id": "call_x", "name": "get_weather", "input": {"city": "Oslø\u2028"}}
NAMELESS_BLOCK = {"type": "tool_use", "id": "call_0199a3c41", "name": "now", "input": {}}


def record(text="", calls=(), **more):
    counts = {"prompt_eval_count": 26, "eval_count": 7}
    message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    return Answer(record={"message": message, "done": True, "done_reason": "stop", **counts, **more})


def a_writer():
    return MessageWriter(PROMPT, {"model": "Llama3.2", "input_tokens": 20})


def standing(position=None, eta=None):
    return Standing(progress=SimpleNamespace(position=position), eta_seconds=eta)


def streamed(answer, *pieces):
    """The chunks of a whole stream."""
    writer, offset = a_writer(), 0
    chunks = [writer.opening(standing())]
    for piece in pieces:
        chunks.append(writer.text(piece, attempt=1, offset=offset))
        offset += len(piece)
    return [*chunks, *writer.ending(answer, attempt=1)]


def events(chunks):
    """The events of chunks, each with its data; comments are left out."""
    found = []
    for each in b"".join(chunks).decode("ascii").split("\n\n")[:-1]:
        lines = [line for line in each.split("\n") if not line.startswith(":")]
        kind, data = re.fullmatch("event: (.*)\ndata: (.*)", "\n".join(lines)).groups()
        found.append((kind, json.loads(data)))
    return found


def assembled(chunks):
    """The message that a client puts together from a stream."""
    message, texts = None, {}
    for kind, data in events(chunks):
        assert data["type"] == kind
        EVENT.validate_python(data)
        match data:
            case {"type": "message_start"}:
                message = data["message"]
            case {"type": "content_block_start"}:
                assert data["index"] == len(message["content"])
                message["content"].append(data["content_block"])
                texts[data["index"]] = ""
            case {"type": "content_block_delta", "delta": {"type": "text_delta"} as delta}:
                message["content"][data["index"]]["text"] += delta["text"]
            case {"type": "content_block_delta", "delta": delta}:
                texts[data["index"]] += delta["partial_json"]
            case {"type": "content_block_stop"} if text := texts.pop(data["index"]):
                message["content"][data["index"]]["input"] = json.loads(text)
            case {"type": "message_delta"}:
                message |= {**data["delta"], "usage": data["usage"]}
            case {"type": "message_stop"}:
                assert not texts
                return message
    return None


ANSWERS = {
    "a text": (record("It scatters."), [{"type": "text", "text": "It scatters."}], "end_turn"),
    "a text that is cut": (record("It", done_reason="length"), [{"type": "text", "text": "It"}], "max_tokens"),
    "nothing": (record(), [], "end_turn"),
    "a call": (record(calls=[CALL]), [BLOCK], "tool_use"),
    "words and calls": (
        record("I look.", [CALL, NAMELESS]),
        [{"type": "text", "text": "I look."}, BLOCK, NAMELESS_BLOCK],
        "tool_use",
    ),
    "a call that is cut": (record(calls=[CALL], done_reason="length"), [BLOCK], "max_tokens"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_message_is_one_of_the_official_package(name):
    answer, content, stop_reason = ANSWERS[name]

    message = a_writer().document(answer)

    assert message == {
        "id": f"msg_{HEX}",
        "type": "message",
        "role": "assistant",
        "model": "Llama3.2",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 26, "output_tokens": 7},
    }
    assert Message.model_validate(message).to_dict() == message


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_brings_the_same_message(name):
    answer, *_ = ANSWERS[name]
    text = text_of(answer.record)

    assert assembled(streamed(answer, *text)) == a_writer().document(answer)


@given(st.lists(st.text(min_size=1), max_size=5), st.lists(st.sampled_from([CALL, NAMELESS]), max_size=3))
def test_a_stream_brings_the_same_message_whatever_its_pieces(pieces, calls):
    answer = record("".join(pieces), calls)

    assert assembled(streamed(answer, *pieces)) == a_writer().document(answer)


def test_a_call_begins_without_its_input_for_clients_add_up_what_follows():
    [begun] = [data for kind, data in events(streamed(record(calls=[CALL]))) if kind == "content_block_start"]

    assert begun["content_block"] == {**BLOCK, "input": {}}


def test_a_chunk_is_a_whole_event():
    chunks = streamed(record("It scatters.", [CALL]), "It ", "scatters.")

    # The first piece of the text brings the beginning of its block along.
    assert [chunk.count(b"\n\n") for chunk in chunks] == [1, 2, *[1] * (len(chunks) - 2)]
    assert all(chunk.endswith(b"\n\n") for chunk in chunks)


def test_a_stream_begins_with_what_the_prompt_is_estimated_to_have():
    [(_, data)] = events([a_writer().opening(standing())])

    assert data["message"]["usage"] == {"input_tokens": 20, "output_tokens": 0}
    assert data["message"]["content"] == []
    assert data["message"]["stop_reason"] is None


def test_an_answer_of_a_prompt_without_a_chat_is_its_text():
    assert a_writer().document(Answer(record={"response": "Blue."}))["content"] == [{"type": "text", "text": "Blue."}]


@pytest.mark.parametrize(
    ("where", "comment"),
    [
        (standing(3, 40.4), b": position 3, about 40 s\n"),
        (standing(3), b": position 3\n"),
        (standing(), b""),
    ],
)
def test_a_beat_is_a_ping_and_says_where_the_prompt_stands(where, comment):
    assert a_writer().beat(where) == comment + b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_stream_that_fails_says_so_by_the_name_of_its_event():
    failure = Failure(kind=Kind.FAILED, code="attempts_exhausted", message="It failed three times.")

    [(kind, data)] = events([a_writer().failure(failure, attempt=1)])

    assert kind == "error"
    assert data == {
        "type": "error",
        "error": {"type": "api_error", "message": "It failed three times."},
        "request_id": f"req_{HEX}",
    }


# ---- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.TOO_LARGE}))  # whose type is in the specification alone
def test_every_failure_is_an_error_of_the_official_package(kind):
    body = errors.body(Failure(kind=kind, code="x", message="It went wrong."))

    assert ErrorResponse.model_validate(body).to_dict() == body


def test_no_failure_has_a_status_by_which_clients_ask_again_in_vain():
    assert not {408, 409, 422} & {status for status, _ in errors.MEANINGS.values()}


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "The prompt has 9000 tokens, the model's context holds 4096.",
            "prompt is too long: 9000 tokens > 4096 maximum",
        ),
        (
            "The prompt is longer than the model's context.",
            "prompt is too long: The prompt is longer than the model's context.",
        ),
    ],
)
def test_a_prompt_that_is_too_long_is_told_in_the_words_that_agents_look_for(message, sentence):
    body = errors.body(Failure(kind=Kind.TOO_LONG, code="prompt_too_long", message=message))

    assert body["error"] == {"type": "invalid_request_error", "message": sentence}


def test_requests_without_a_prompt_have_ids_of_their_own():
    failure = Failure(kind=Kind.INVALID, code="invalid_request", message="No.")
    ids = {errors.body(failure)["request_id"] for _ in range(10)}

    assert len(ids) == 10
    assert all(re.fullmatch("req_[0-9a-f]{32}", each) for each in ids)
