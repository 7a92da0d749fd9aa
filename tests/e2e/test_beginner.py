"""A client that knows four endpoints, the page among them, and nothing else, written as a beginner would."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from simulator.client import Simulator
from simulator.text import answer_to
from support.stack import Stack

PATIENCE = 20  # seconds
LATER = ["processing", "completed"]


def ask(base: str, prompt: str) -> tuple[list[str], str]:
    """Every status that was seen on the way, and the answer, or why there is none."""
    body = json.dumps({"prompt": prompt}).encode()
    submission = urllib.request.Request(f"{base}/api/v1/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(submission) as response:
        prompt_id = json.load(response)["id"]
    seen: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while seen[-1:] != ["completed"] and time.monotonic() < deadline:
        time.sleep(0.02)
        with urllib.request.urlopen(f"{base}/api/v1/prompt/{prompt_id}/status") as response:
            seen.append(json.load(response)["status"])
    try:
        with urllib.request.urlopen(f"{base}/api/v1/prompt/{prompt_id}/result") as response:
            return seen, json.load(response)["response"]
    except urllib.error.HTTPError as error:
        return seen, json.load(error)["error"]["message"]


@pytest.mark.ollama(pace=0.005)
def test_a_beginner_gets_the_answer(stack: Stack) -> None:
    seen, answer = ask(stack.url, "Why is the sky blue?")

    assert list(dict.fromkeys(seen)) in (["queued", *LATER], LATER)  # the first look may come too late to see it queued
    assert answer == answer_to("Why is the sky blue?")


def test_a_beginner_hears_why_a_prompt_was_refused(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("status", status=400, text="this model does not do that")

    seen, words = ask(stack.url, "Do that.")

    assert seen[-1] == "completed"
    assert set(seen) <= {"queued", "processing", "completed"}
    assert "this model does not do that" in words
    assert len(simulator.calls()) == 1


def test_a_beginner_hears_that_the_attempts_are_used_up(build: Callable[..., Stack], simulator: Simulator) -> None:
    stack = build(UPSTREAM_PATIENCE="0")
    stack.start()
    simulator.fault("error_line", times=3)

    seen, words = ask(stack.url, "Why is the sky blue?")

    assert seen[-1] == "completed"
    assert set(seen) <= {"queued", "processing", "completed"}
    assert "unexpected EOF" in words
    assert len(simulator.calls()) == 3


def test_a_beginner_finds_the_page(stack: Stack) -> None:
    with urllib.request.urlopen(stack.url) as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"<title>Ollama Proxy</title>" in response.read()
