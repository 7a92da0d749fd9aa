"""Calls in other protocols, held until they are answered: many at once, and each to be found by its prompt's id."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from simulator.client import Simulator
from simulator.text import answer_to
from support.client import Client, Reply
from support.processes import Process
from support.stack import Stack
from support.waiting import until

from bench.dialects import CHAT, CHAT_COMPLETIONS, COMPLETIONS, DIALECTS, GENERATE, MESSAGES, RESPONSES, Dialect
from bench.usage import memory

AT_ONCE = 300
LONG = 600.0  # seconds, for a machine that is ten times slower and busy
EACH = 100_000  # bytes of the proxy's that a held call may take; it takes far less

WHOLE: dict[str, Callable[[Any], str]] = {
    GENERATE.name: lambda body: body["response"],
    CHAT.name: lambda body: body["message"]["content"],
    CHAT_COMPLETIONS.name: lambda body: body["choices"][0]["message"]["content"],
    COMPLETIONS.name: lambda body: body["choices"][0]["text"],
    RESPONSES.name: lambda body: body["output"][0]["content"][0]["text"],
    MESSAGES.name: lambda body: body["content"][0]["text"],
}


def text_of(reply: Reply, dialect: Dialect, *, stream: bool) -> str:
    if stream:
        return "".join(map(dialect.said, reply.body.splitlines()))
    return WHOLE[dialect.name](json.loads(reply.body))


@pytest.mark.timeout(LONG)
@pytest.mark.both_engines
def test_three_hundred_calls_at_once_are_each_answered_whole_in_their_turn(stack: Stack, simulator: Simulator) -> None:
    ways = islice(cycle((dialect, stream) for dialect in DIALECTS for stream in (True, False)), AT_ONCE)
    asked = [(f"Caller {number} asks.", *way) for number, way in enumerate(ways)]
    client = Client(stack.url, patience=LONG)
    simulator.fault("hang_before_first_token", match="hold the line")
    first = stack.submit("hold the line")
    stack.until_status(first, "processing")
    proxy = [process for process in stack.processes() if "gunicorn" in process.arguments]
    before = taken(proxy)

    with ThreadPoolExecutor(AT_ONCE) as callers:
        calls = [callers.submit(client.post, way.path, way.body(text, stream=stream)) for text, way, stream in asked]
        until(lambda: stack.queue()["queued"] == AT_ONCE, "every call is in line", LONG)
        more = taken(proxy) - before
        stack.cancel(first)
        replies = [call.result() for call in calls]

    assert {reply.status for reply in replies} == {200}
    for (text, dialect, stream), reply in zip(asked, replies, strict=True):
        assert text_of(reply, dialect, stream=stream) == answer_to(text)
    accepted = {
        text: stack.status(reply.headers["X-Prompt-Id"])["created_at"]
        for (text, *_), reply in zip(asked, replies, strict=True)
    }
    called = [_last_word(call["body"]) for call in simulator.calls()[1:]]
    assert sorted(called) == sorted(accepted)
    assert [accepted[text] for text in called] == sorted(accepted.values())
    assert more < AT_ONCE * EACH, f"{more / AT_ONCE / 1000:.0f} KB each"


def taken(processes: list[Process]) -> float:
    """Give the bytes that these have in memory; 0 where the system does not tell."""
    return memory(processes) if sys.platform == "linux" else 0.0


def _last_word(body: dict[str, Any]) -> str:
    return str(body["prompt"] if "prompt" in body else body["messages"][-1]["content"])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_what_came_in_another_protocol_is_found_by_its_id(stack: Stack, dialect: Dialect) -> None:
    reply = stack.post(dialect.path, dialect.body("Who asks?", stream=False))

    prompt_id = reply.headers["X-Prompt-Id"]
    record = stack.result(prompt_id).json
    assert (record["message"]["content"] if "message" in record else record["response"]) == answer_to("Who asks?")
    assert stack.status(prompt_id)["outcome"] == "succeeded"
    assert list(stack.events_of(prompt_id))[-1].kind == "completed"


def test_the_page_shows_what_came_in_another_protocol(page: Page, stack: Stack) -> None:
    reply = stack.post(CHAT.path, CHAT.body("Who asks?", stream=False))

    page.goto(f"{stack.url}/#p={reply.headers['X-Prompt-Id']}")

    expect(page.locator("#results")).to_contain_text("Simulated answer.")
