"""Bounds of a body: for every list and object that the specification lets clients send the largest, right and wrong."""

import json
import threading
import time

import pytest
from promptqueue.condition import DEFAULT_MODEL
from promptqueue.prompt import NewPrompt
from proxy.api.openapi.document import document
from proxy.asking import submission, values
from proxy.errors import InvalidJSON, InvalidRequest
from pydantic import ValidationError
from support.largest import VALUES, Specification

BODIES = {each.name: each for each in Specification(document(DEFAULT_MODEL)).bodies()}
WRONG = [name for name, each in BODIES.items() if not each.is_right]
RIGHT = [name for name, each in BODIES.items() if each.is_right]
WITHIN = 1.0  # seconds of this thread's own time on a busy machine; it is a hundredth of that, and was ten seconds


def checked(data):
    """Check a body as an endpoint does; what the queue would be given, and the time it took."""
    start = time.thread_time()
    try:
        return submission.read(data, charset=None, key="x" * 16)[1]
    finally:
        assert time.thread_time() - start < WITHIN


def test_there_are_bodies_for_all_that_holds_several(client):
    fields = {each.field for each in BODIES.values()}

    assert fields >= {"", "messages", "tools", "options", "options.stop", "format", "metadata", "messages.0.tool_calls"}
    assert client.get("/openapi.json").json == json.loads(json.dumps(document(DEFAULT_MODEL)))


@pytest.mark.parametrize("name", RIGHT)
def test_the_largest_right_body_is_taken_in_no_time(name):
    assert isinstance(checked(BODIES[name].data), NewPrompt)


@pytest.mark.parametrize("name", WRONG)
def test_the_largest_wrong_body_is_refused_in_no_time(name):
    with pytest.raises(InvalidRequest) as refused:
        checked(BODIES[name].data)

    said, field = str(refused.value), BODIES[name].field.split(".")[0]
    assert len(said) < 500
    assert not field or (refused.value.param or "").split(".")[0] == field
    if "without end" in name:
        assert "more than 50000 JSON values" in said
    elif "unknown names" in name:
        assert "at most 64 fields" in said
    elif "too many" in name:
        assert "more than 500 subschemas" in said


@pytest.mark.parametrize("name", [name for name in WRONG if "without end" not in name])
def test_only_the_first_mistake_is_looked_for(name):
    try:
        submission.Submission.model_validate(json.loads(BODIES[name].data))
    except ValidationError as errors:
        assert errors.error_count() == 1  # noqa: PT017 (what is counted is what was collected)


def test_the_largest_of_each_is_answered_as_it_should_be_while_others_are_served(serve):
    server = serve("gevent", MAX_QUEUE_DEPTH=10_000)
    over, slowest = threading.Event(), []

    def look():
        while not over.is_set():
            start = time.monotonic()
            assert server.get("/healthz").status == 200
            slowest.append(time.monotonic() - start)

    looking = threading.Thread(target=look)
    looking.start()
    by_size = sorted(BODIES.values(), key=lambda body: len(body.data))
    largest = {(body.field, body.is_right): body for body in by_size}.values()
    answers = {body.name: server.call("POST", "/api/v1/prompt", body.data) for body in largest}
    over.set()
    looking.join(30)

    assert {name: (answer.status, answer.status == 202 or answer.code) for name, answer in answers.items()} == {
        body.name: (202, True) if body.is_right else (400, "invalid_request") for body in largest
    }
    assert max(slowest) < 3  # on a busy machine; it was 13
    assert server.traceback == ""


# ---- how many values there are --------------------------------------------------------------------------------------

COUNTED = {
    "numbers": lambda many: [1] * many,
    "empty lists": lambda many: [[]] * many,
    "empty objects": lambda many: [{}] * many,
    "empty texts": lambda many: [""] * many,
    "commas in texts": lambda many: [",[{"] * many,
    "quotes in texts": lambda many: ['",\\'] * many,
    "backslashes": lambda many: ["\\\\"] * many,
    "names": lambda many: [dict.fromkeys(map(str, range(many - 1)), 0)],
    "names with commas": lambda many: [{f'{number},"[': 0 for number in range(many - 1)}],
    "lists of a text": lambda many: [["[]"]] * (many // 2) + [0] * (many % 2),
    "objects of a list": lambda many: [{"a": []}] * (many // 2) + [0] * (many % 2),
    "lists of a list": lambda many: [[[]]] * (many // 2) + [0] * (many % 2),
}


@pytest.mark.parametrize("spaces", [None, 1])
@pytest.mark.parametrize("name", COUNTED)
def test_fifty_thousand_values_are_taken_and_not_one_more(name, spaces):
    full = json.dumps(COUNTED[name](VALUES - 1), indent=spaces).encode()
    over = json.dumps(COUNTED[name](VALUES), indent=spaces).encode()

    assert values.excess(full) is None
    assert values.excess(over) == len(over)


def test_a_text_of_many_commas_is_one_value():
    assert (
        checked(b'{"prompt": "' + b",[{" * 300_000 + rb"\"," * 10_000 + b'"}').request["prompt"].count(",") == 310_000
    )


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b"[" * 500_000 + b"]" * 500_000, b"[1," * 100_000, b'{"a":' * 100_000, b"[,,," * 100_000],
    ids=["deep", "deep and closed", "deep with commas", "deep objects", "commas"],
)
def test_a_body_that_is_not_json_is_refused_as_such_however_many_values_it_seems_to_have(data):
    with pytest.raises(InvalidJSON):
        checked(data)


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"metadata": {"a": [1, "\0"]}}, "metadata.a.1"),
        ({"metadata": {"a": {"b": "x", "\0": 1}}}, "metadata.a.\\u0000"),
        ({"metadata": {"a": [10**309]}}, "metadata.a.0"),
        ({"metadata": {"a": [-(10**4_000)]}}, "metadata.a.0"),
    ],
)
def test_what_no_body_may_hold_is_refused_by_its_place(value, param):
    with pytest.raises(InvalidRequest) as refused:
        checked(json.dumps({"prompt": "Why?", **value}).encode())

    assert refused.value.param == param


def test_numbers_within_a_double_are_taken():
    asked = {"prompt": "Why?", "metadata": {"a": [10**308, -(10**308), 1e308, 0, -0.0, 2**63, 2**64]}}

    assert checked(json.dumps(asked).encode()).metadata == asked["metadata"]
