"""/openapi.json: it lists what there is, and real answers keep to it."""

import json
import re

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from promptqueue.prompt import ErrorCode

CALL = {"function": {"name": "f", "arguments": {}}}
KEY = {"Idempotency-Key": "0123456789abcdef"}


@pytest.fixture
def specification(client):
    return client.get("/openapi.json").json


@pytest.fixture
def validator(specification):
    """Check a value against a component of the specification."""

    def validate(value, schema):
        Draft202012Validator({**schema, "components": specification["components"]}).validate(value)

    return validate


def operations(specification):
    return {(method, path) for path, item in specification["paths"].items() for method in item}


def test_it_lists_every_route_and_no_other_but_those_of_other_protocols(make_app):
    app = make_app()
    routes = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if not app.view_functions[rule.endpoint].__module__.startswith("proxy.faces.")
        for method in rule.methods - {"OPTIONS", "HEAD"}
    }

    listed = operations(app.test_client().get("/openapi.json").json)

    assert listed == routes | {("head", "/")}


def test_it_is_a_specification(specification):
    openapi_spec_validator.validate(specification)


def test_every_schema_of_it_is_one(specification):
    for schema in specification["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(specification)))
    assert references <= set(specification["components"]["schemas"])


def test_it_says_of_a_body_what_its_type_alone_does_not_say(specification):
    shapes = specification["components"]["schemas"]
    place = shapes["PromptStatus"]["properties"]["position"]

    assert (place["anyOf"][0]["minimum"], place["description"][:14]) == (1, "Place in line,")
    assert shapes["PromptStatus"]["properties"]["metadata"]["anyOf"][0] == {"$ref": "#/components/schemas/JSONObject"}
    assert "id" not in shapes["Token"]["required"]
    assert [name for name in ("PromptStatus", "Answer", "Error") if shapes[name]["additionalProperties"]] == ["Answer"]
    assert "too_many_streams" in shapes["ErrorBody"]["properties"]["code"]["enum"]


def test_every_answer_keeps_to_it(client, submit, worker, specification, validator):
    answers = []

    def call(method, path, at, **more):
        answer = client.open(at, method=method, **more)
        answers.append((method, path, answer))
        return answer

    post, here = "/api/v1/prompt", "/api/v1/prompt/{prompt_id}"
    ids = [submit(), submit(metadata={"a": None}), submit(expires_in=0.001), submit()]
    call("POST", post, post, json={"prompt": "Why?"}, headers=KEY)
    call("POST", post, post, json={"prompt": "Who?"}, headers=KEY)
    call("POST", post, post, data=b"nonsense")
    call("POST", post, post, json={"prompt": "Why?", "model": "x"})
    call("POST", post, post, json={"prompt": "x" * 1_100_000})
    call("PUT", post, post)
    call("GET", f"{here}/result", f"{post}/{ids[1]}/result")
    worker.answer()
    worker.fail(ErrorCode.TIMED_OUT, partial="It is")
    for prompt_id in (*ids, "00000000-0000-4000-8000-000000000000"):
        for what in ("status", "result"):
            call("GET", f"{here}/{what}", f"{post}/{prompt_id}/{what}")
            call("GET", f"{here}/{what}", f"{post}/{prompt_id}/{what}?wait=x")
        call("GET", here, f"{post}/{prompt_id}")
        call("POST", f"{here}/cancel", f"{post}/{prompt_id}/cancel")
        call("POST", f"{here}/retry", f"{post}/{prompt_id}/retry")
    call("DELETE", here, f"{post}/{ids[0]}")
    for path in ("/api/v1/queue", "/healthz", "/readyz", "/openapi.json", "/"):
        call("GET", path, path)
    call("HEAD", "/", "/")

    seen = set()
    for method, path, answer in answers:
        item = specification["paths"][path]
        responses = (item.get(method.lower()) or next(iter(item.values())))["responses"]
        described = responses[str(answer.status_code)]
        seen.add((method, path, answer.status_code))
        for name in described.get("headers", {}):
            validator(int(answer.headers[name]) if name == "Retry-After" else answer.headers[name],
                      specification["components"]["headers"][name]["schema"])  # fmt: skip
        content = described.get("content", {})
        if answer.data:
            assert answer.mimetype in content
        if answer.mimetype == "application/json" and answer.data:
            validator(answer.json, content["application/json"]["schema"])
    assert {status for _, _, status in seen} >= {200, 202, 204, 400, 404, 405, 409, 410, 413, 422, 503}


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ({"prompt": "Why?"}, True),
        ({"prompt": "Why?", "messages": None, "options": {"seed": 1.5, "stop": "x"}}, True),
        ({"messages": [{"role": "user", "content": "Hi"}]}, True),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "5"}], "tools": []},
            True,
        ),
        ({"prompt": "Why?", "format": {"type": "object"}, "keep_alive": "5m", "think": False}, True),
        ({}, False),
        ({"prompt": None}, False),
        ({"prompt": " "}, False),
        ({"prompt": "a\0"}, False),
        ({"prompt": "Why?", "messages": []}, False),
        ({"prompt": "Why?", "metadata": {"a": ["\0"]}}, False),
        ({"prompt": "Why?", "options": {"num_ctx": 1}}, False),
        ({"prompt": "Why?", "model": "x"}, False),
        ({"prompt": "Why?", "expires_in": 0}, False),
        ({"messages": [{"role": "user"}]}, False),
        ({"messages": [{"role": "user", "content": None}]}, False),
        ({"prompt": "Why?", "think": True}, False),
        ({"prompt": "Why?", "suffix": "", "raw": False, "context": [], "width": 0, "_debug_render_only": False}, True),
        ({"prompt": "Why?", "truncate": False, "images": None, "top_logprobs": 0}, True),
        ({"messages": [{"role": "user", "content": "Hi", "images": []}]}, True),
        ({"messages": [{"role": "user", "content": "Hi", "images": ["aGk="]}]}, False),
        ({"prompt": "Why?", "suffix": "x"}, False),
        ({"prompt": "Why?", "context": [1]}, False),
        ({"prompt": "Why?", "options": {"stop": [""]}}, False),
        ({"prompt": "Why?", "options": {"temperature": 1e39}}, False),
    ],
)
def test_its_body_is_what_the_proxy_takes(specification, body, holds):
    schema = {**specification["components"]["schemas"]["Submission"], "components": specification["components"]}

    assert Draft202012Validator(schema).is_valid(body) is holds
