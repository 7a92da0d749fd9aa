"""Each recorded request, sent to the face: its status and its answer's shape, key by key, but for what is listed."""

from __future__ import annotations

import json
import re
import threading

import pytest
from openai_recordings import cases, events_of, recorded_events, same_shape
from promptqueue.condition import Model, ModelState

WORDS = [f"token{number}" for number in range(1, 41)]
FACTS = {
    "version": "0.33.0",
    "tag": {"name": "llama3.2:latest", "modified_at": "2025-05-04T17:37:44Z"},
    "show": {},
    "context_length": 4096,
}

OTHERWISE = {
    "models, HEAD": (200, "a HEAD is answered wherever a GET is"),
    "stop number": (400, "refused where Ollama ignores it"),
    "response_format unknown": (400, "refused where Ollama ignores it"),
    "n 2, tool_choice, user, metadata (ignored)": (400, "there is one answer, and Ollama gives one without a word"),
    "logprobs": (400, "probabilities are not kept"),
    "model invalid": (404, "there is no model of that name either"),
    "completions, prompt array": (200, "a list of one text is taken"),
}
"""Requests that are answered with another status than Ollama's, and why."""

OF_ITS_OWN = {
    "max_completion_tokens": "honoured where Ollama ignores it",
    "response_format json_object": "the recorded model wrote JSON that was at its end",
    "response_format json_schema": "the recorded model wrote JSON that was at its end",
}
"""Answers that end otherwise, and why."""

IN_JSON = {"models, POST", "chat, GET", "unknown path", "batches", "files"}
"""Errors that Ollama says in plain text."""


def answer_of(request):
    """What the recorded test model answers."""
    limit = request["options"]["num_predict"]
    words = WORDS[:limit]
    answer = {
        "done_reason": "length" if limit < len(WORDS) else "stop",
        "prompt_eval_count": 36,
        "eval_count": len(words),
    }
    text = " ".join(words)
    said = {"message": {"role": "assistant", "content": text}} if "messages" in request else {"response": text}
    return {**answer, **said, "done": True}


@pytest.fixture
def model(worker, queue):
    """Answer whatever is asked as the recorded model did, word by word."""
    queue.describe_model(
        Model(name="llama3.2", state=ModelState.READY), worker=worker.terms.worker, server="http://o", facts=FACTS
    )
    is_over = threading.Event()

    def answer():
        while not is_over.is_set():
            if claim := worker.queue.claim(worker.terms):
                record = answer_of(claim.request)
                text = record["message"]["content"] if "message" in record else record["response"]
                worker.speak(claim, *re.findall(r" ?\S+", text))
                worker.finish(claim, record)
            is_over.wait(0.005)

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    is_over.set()
    thread.join(30)


def sent(client, case):
    method, path = case["request"].split(" ")
    data = re.sub(r"x+…\((\d+) times x\)", lambda found: "x" * int(found[1]), case.get("body", ""))
    return client.open(path, method=method, data=data.encode())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"])
def test_a_recorded_request_is_answered_as_by_ollama(client, model, case):
    recorded = case["0.33.0"]
    status, _ = OTHERWISE.get(case["case"], (int(recorded["status"][:3]), ""))

    answer = sent(client, case)

    assert answer.status_code == status
    if "events" in recorded:
        assert answer.content_type == "text/event-stream"
        events, expected = events_of(answer.data), recorded_events(recorded)
        # How many pieces a text comes in is not Ollama's to say: the first, the last ones, and what they make together.
        assert same_shape(events[0], expected[0])
        ends = 3 if "include_usage" in case["body"] else 2
        assert all(map(same_shape, events[-ends:], expected[-ends:]))
        assert events[-ends]["choices"][0]["finish_reason"] == expected[-ends]["choices"][0]["finish_reason"]
    elif status == 405:
        assert recorded["headers"][0].removeprefix("Allow: ") in answer.headers["Allow"].split(", ")
    elif case["case"] not in OTHERWISE and case["case"] not in IN_JSON:
        body = recorded["body"]
        assert same_shape(answer.json, json.loads(body) if isinstance(body, str) else body)
        if "choices" in answer.json and case["case"] not in OF_ITS_OWN:
            assert answer.json["choices"][0]["finish_reason"] == body["choices"][0]["finish_reason"]
    if answer.status_code >= 400:
        assert list(answer.json["error"]) == ["message", "type", "param", "code"]


def test_what_is_listed_as_otherwise_was_recorded():
    assert set(OTHERWISE) | IN_JSON <= {case["case"] for case in cases()}
    assert len(cases()) == 56
