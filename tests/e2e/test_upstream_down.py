"""Ollama goes away and comes back: it is said where people look, prompts wait at no cost, and work resumes at once."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from simulator.text import answer_to
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.client import Simulator
    from support.stack import Stack

SEEN_WITHIN = 15_000  # milliseconds


@contextmanager
def killed(simulator: Simulator) -> Iterator[None]:
    simulator.kill()
    yield
    simulator.start()


@contextmanager
def stopped(simulator: Simulator) -> Iterator[None]:
    """It takes connections, and says nothing on them."""
    simulator.signal(signal.SIGSTOP)
    yield
    simulator.signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("away", "why"),
    [(killed, "the model server could not be reached: Connection refused"), (stopped, "no answer to /api/tags within")],
    ids=["killed", "stopped"],
)
def test_an_ollama_that_is_away_is_told_costs_nothing_and_is_used_within_two_seconds_of_its_return(
    build: Callable[..., Stack], simulator: Simulator, away: Callable[..., object], why: str
) -> None:
    stack = build(MAX_FAILURES="1")  # a failure would end a prompt
    stack.start()
    until(lambda: stack.get("/readyz").status == 200, "the product is ready")

    with away(simulator):  # type: ignore[attr-defined]
        until(lambda: stack.get("/readyz").status == 503, "it is noticed", 40)  # idle, it is asked each 15 seconds
        told = stack.get("/readyz").json["checks"]["model"]
        waiting = [stack.submit(f"Question {number}") for number in range(3)]
        standing = [stack.status(each) for each in waiting]
    back_at = time.monotonic()
    resumed_after = simulator.wait_for_call(1)["received"] - back_at

    assert told["ok"] is False
    assert told["detail"].startswith("llama3.2 is unreachable: ")
    assert why in told["detail"]
    assert [(each["status"], each["position"], each["attempt"]) for each in standing] == [
        ("queued", place, 0) for place in (1, 2, 3)
    ]
    assert resumed_after < 2
    assert [stack.answer(each) for each in waiting] == [answer_to(f"Question {number}") for number in range(3)]
    assert [stack.status(each)["attempt"] for each in waiting] == [1, 1, 1]
    until(lambda: stack.get("/readyz").status == 200, "the product is ready again")


def test_the_page_says_that_ollama_is_away_while_a_prompt_waits_and_that_it_is_back(
    build: Callable[..., Stack], simulator: Simulator, page: Page
) -> None:
    stack = build()
    stack.start()
    until(lambda: stack.get("/readyz").status == 200, "the product is ready")
    page.goto(stack.url)
    away, prompt = page.get_by_text("Ollama cannot be reached"), page.locator("#prompts > li").first
    expect(away).to_have_count(0)

    with killed(simulator):
        page.get_by_role("textbox", name="Prompt", exact=True).fill("Are you there?")
        page.get_by_role("button", name="Submit prompt").click()
        expect(prompt).to_contain_text("Queued", timeout=SEEN_WITHIN)
        expect(away.first).to_be_visible(timeout=SEEN_WITHIN)

    expect(prompt).to_contain_text("Completed", timeout=SEEN_WITHIN)
    expect(away).to_have_count(0, timeout=SEEN_WITHIN)
