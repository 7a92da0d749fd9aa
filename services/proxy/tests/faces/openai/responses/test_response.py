from __future__ import annotations

import json
from pathlib import Path

import pytest
from openai.types.responses import Response as OfficialResponse
from promptqueue.prompt import ErrorCode, Outcome, PromptError, Status
from proxy.calls.errors import of_prompt
from proxy.calls.failure import Failure, Kind
from proxy.faces.openai.responses.writing.response import status_of

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded.jsonl").read_text("utf-8").splitlines()]
CHANGING = ("id", "created_at", "completed_at", "store", "metadata")  # Ollama stores nothing


@pytest.fixture
def body_of(make_response, make_answer):
    def body_of(case):
        [content] = case["answered"]["output"][0]["content"]
        answer = make_answer(content["text"])
        usage = case["answered"]["usage"]
        answer.record["prompt_eval_count"], answer.record["eval_count"] = usage["input_tokens"], usage["output_tokens"]
        return make_response(**case["asked"]).answered(answer)

    return body_of


@pytest.mark.parametrize("case", [each for each in RECORDED if "answered" in each], ids=lambda case: case["case"])
def test_a_response_is_as_ollama_writes_it(body_of, case):
    ours, recorded = body_of(case), case["answered"]
    assert list(ours) == list(recorded)
    assert ours["usage"]["input_tokens_details"].pop("cache_write_tokens") == 0
    for body in (ours, recorded):
        body["output"][0].pop("id")
    changing = {name: ours[name] for name in CHANGING}
    assert ours == {**recorded, **changing}
    assert list(ours["output"][0]) == list(recorded["output"][0])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}, "verbosity": "low"}},
        {"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "f"}},
        {"tools": [{"type": "namespace", "name": "n", "description": "d", "tools": []}, {"type": "web_search"}]},
        {"metadata": {"a": "b"}, "reasoning": {"summary": "auto"}, "service_tier": "flex", "truncation": "auto"},
        {"background": True, "background_options": {"completion_window": "8h"}, "instructions": "i"},
    ],
)
def test_openais_own_types_take_a_response_as_it_is(make_response, make_answer, call, fields):
    response = make_response(**fields)
    failure = Failure(kind=Kind.FAILED, code="timed_out", message="It took too long.")
    bodies = [
        response.waiting("queued"),
        response.waiting("in_progress", "token1"),
        response.answered(make_answer("", [call])),
        response.answered(make_answer(reason="length")),
        response.ended("failed", failure, "token1"),
        response.ended("cancelled"),
    ]
    for body in bodies:
        assert OfficialResponse.model_validate(body).to_dict(mode="json") == body | {
            "created_at": float(body["created_at"]),
        }


def test_an_answer_that_was_cut_at_its_limit_is_incomplete(make_response, make_answer):
    body = make_response().answered(make_answer(reason="length"))
    assert body["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert body["output"][0]["status"] == "incomplete"


def test_calls_follow_the_message_and_are_the_only_items_without_a_text(make_response, make_answer, call, digits):
    [message, item] = make_response().answered(make_answer("a", [call]))["output"]
    assert message["type"] == "message"
    assert item == {
        "id": f"fc_{digits}_0",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{digits[:8]}0",
        "name": "weather",
        "arguments": '{"city":"Zürich"}',
    }
    named = {**call, "id": "call_of_ollama"}
    items = make_response().answered(make_answer("", [call, named]))["output"]
    assert [each["call_id"] for each in items] == [f"call_{digits[:8]}0", "call_of_ollama"]


def test_a_call_of_a_function_in_a_namespace_names_both(make_response, make_answer):
    function = {"type": "function", "name": "weather"}
    response = make_response(tools=[{"type": "namespace", "name": "outside", "description": "d", "tools": [function]}])
    call = {"function": {"name": "outside.weather", "arguments": {}}}
    [item] = response.answered(make_answer("", [call]))["output"]
    assert (item["namespace"], item["name"]) == ("outside", "weather")


def test_the_text_so_far_is_an_item_in_progress_and_what_is_left_of_one_is_incomplete(make_response):
    [item] = make_response().waiting("in_progress", "token1")["output"]
    assert (item["status"], item["content"][0]["text"]) == ("in_progress", "token1")
    [item] = make_response().ended("cancelled", None, "token1")["output"]
    assert (item["status"], item["content"][0]["text"]) == ("incomplete", "token1")
    assert make_response().ended("cancelled")["output"] == []


@pytest.mark.parametrize(
    ("outcome", "code", "status", "said"),
    [
        (Outcome.FAILED, ErrorCode.MODEL_REFUSED, "failed", "invalid_prompt"),
        (Outcome.FAILED, ErrorCode.PROMPT_TOO_LONG, "failed", "context_length_exceeded"),
        (Outcome.FAILED, ErrorCode.TIMED_OUT, "failed", "server_error"),
        (Outcome.FAILED, ErrorCode.ATTEMPTS_EXHAUSTED, "failed", "server_error"),
        (Outcome.EXPIRED, ErrorCode.EXPIRED, "failed", "expired"),
        (Outcome.CANCELLED, ErrorCode.CANCELLED, "cancelled", "cancelled"),
    ],
)
def test_each_end_without_an_answer_has_its_status_and_code(make_prompt, make_response, outcome, code, status, said):
    prompt = make_prompt(Status.COMPLETED, 1, outcome=outcome, error=PromptError(code=code, message="why"))
    assert status_of(prompt) == status
    assert make_response().ended(status, of_prompt(prompt))["error"] == {"code": said, "message": "why"}


@pytest.mark.parametrize(("status", "said"), [(Status.QUEUED, "queued"), (Status.PROCESSING, "in_progress")])
def test_a_prompt_that_has_not_ended_is_queued_or_in_progress(make_prompt, status, said):
    assert status_of(make_prompt(status, 1)) == said
